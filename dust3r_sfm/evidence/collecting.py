"""Predictions in, evidence out: each is reduced at once and can then be forgotten."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dust3r_sfm.evidence.config import EvidenceConfig
from dust3r_sfm.evidence.dense_map import DenseMap, pack_depth, pack_points
from dust3r_sfm.evidence.kept_maps import Places, claims_of
from dust3r_sfm.evidence.map_stores import MapsInFolder, MapsInMemory, MapStore
from dust3r_sfm.evidence.pair_files import PairFiles, ReducedPair
from dust3r_sfm.evidence.summary import PairSummary, known_pixels, summarise_pair
from dust3r_sfm.evidence.thinning import thin_correspondences
from dust3r_sfm.types import Correspondences, Pair, PairPrediction, Predictions, View


@dataclass(frozen=True, eq=False)
class Evidence:
    """What all pairs say of the views: the whole input of alignment. In memory: about 17 KB a directed pair
    at the default config, and 20 bytes for each of its correspondences (at most 80 KB); maps only if they are
    few."""

    summaries: tuple[PairSummary, ...]
    """Of every pair, in the graph's pair order."""
    correspondences: Mapping[Pair, Correspondences]
    """Matches of pairs that go into tracks, in continuous view pixels."""
    kept: Mapping[int, tuple[Pair, ...]]
    """For each view the pairs whose depth maps of it are kept, best first, at most
    `EvidenceConfig.kept_maps`."""
    maps: MapStore
    """The maps themselves: `maps.read((view, pair))` loads one."""


class Collector:
    """Takes predictions in one at a time and in any order; what comes of them depends on neither order
    nor interruptions. With `files`, a pair that was taken is taken for good: see `resume_collector`."""

    def __init__(
        self,
        views: Sequence[View],
        pairs: Sequence[Pair],
        config: EvidenceConfig,
        maps: MapStore,
        files: PairFiles | None = None,
    ) -> None:
        self._views, self._pairs, self._config = views, pairs, config
        self._maps, self._files = maps, files
        self._graph = frozenset(pairs)
        self._places = Places(config)
        self._reduced: dict[Pair, ReducedPair] = {}

    @property
    def done(self) -> frozenset[Pair]:
        return frozenset(self._reduced)

    def take(self, prediction: PairPrediction) -> None:
        """Raises OutputError when something cannot be written."""
        reduced = _reduce(prediction, self._views, self._config)
        held, gone = self._places.take(claims_of(reduced.summary, self._graph))
        for claim in held:
            self._maps.write((claim.view, claim.pair), map_of(prediction, claim.view, self._views))
        if self._files is not None:
            self._files.write(reduced)
        # Last, so that at any moment the best maps of the pairs that have a file are all there.
        for claim in gone:
            self._maps.remove((claim.view, claim.pair))
        self._reduced[prediction.pair] = reduced

    def restore(self, found: Collection[ReducedPair], maps: MapsInFolder) -> None:
        """Takes up what a former run left in `maps`. Pairs whose maps should be there and are not are
        left out, and so are to be predicted again."""
        for reduced in found:
            self._places.take(claims_of(reduced.summary, self._graph))
        lost = {c.pair for c in self._places.claims() if not maps.holds((c.view, c.pair))}
        self._places.vacate(lost)
        maps.keep_only({(claim.view, claim.pair) for claim in self._places.claims()})
        self._reduced = {r.summary.pair: r for r in found if r.summary.pair not in lost}

    def evidence(self) -> Evidence:
        """Once every pair of the graph was taken."""
        missing = self._graph - self.done
        assert not missing, f"{len(missing)} pairs were left out, {min(missing)} among them"
        reduced = [self._reduced[pair] for pair in self._pairs]
        found = {r.summary.pair: r.correspondences for r in reduced if r.correspondences is not None}
        return Evidence(tuple(r.summary for r in reduced), found, self._places.by_view(), self._maps)


def resume_collector(
    views: Sequence[View], pairs: Sequence[Pair], config: EvidenceConfig, folder: Path, key: str
) -> Collector:
    """A collector that keeps all it takes in `folder` and has taken what former runs with this `key`
    left there. `key` must name all that predictions depend on, and `config`."""
    files, maps = PairFiles(folder / "pairs", key), MapsInFolder(folder / "maps", key)
    collector = Collector(views, pairs, config, maps, files)
    collector.restore([found for pair in pairs if (found := files.read(pair)) is not None], maps)
    return collector


def evidence_from_predictions(
    views: Sequence[View], predictions: Predictions, config: EvidenceConfig | None = None
) -> Evidence:
    """Evidence in memory, for predictions that come from elsewhere than `inference`."""
    pairs = [prediction.pair for prediction in predictions]
    collector = Collector(views, pairs, config or EvidenceConfig(), MapsInMemory())
    for prediction in predictions:
        collector.take(prediction)
    return collector.evidence()


def map_of(prediction: PairPrediction, index: int, views: Sequence[View]) -> DenseMap:
    """What the prediction says of the view with this index."""
    if index == prediction.pair.i:
        depth, confidence = prediction.points_i[..., 2], prediction.confidence_i
        known = known_pixels(prediction.points_i, confidence, views[index].mask) & (depth > 0)
        return pack_depth(depth, confidence, known)
    known = known_pixels(prediction.points_j, prediction.confidence_j, views[index].mask)
    return pack_points(prediction.points_j, prediction.confidence_j, known)


def _reduce(prediction: PairPrediction, views: Sequence[View], config: EvidenceConfig) -> ReducedPair:
    pair, found = prediction.pair, prediction.correspondences
    summary = summarise_pair(prediction, views[pair.i], views[pair.j], config)
    return ReducedPair(
        summary, None if found is None else thin_correspondences(found, config.max_correspondences)
    )
