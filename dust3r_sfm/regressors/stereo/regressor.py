"""The embedded regressor: SIFT, self-calibration and two-view geometry, then dense plane sweeps.

Nothing to download. Cost: one feature search an image, one matching a pair (quadratic in the number of
features), and two sweeps for each of the `neighbours` pairs that a view chooses. Few photos that this leaves
apart (`wide`) cost eighteen searches each, and matchings of ten times as many features.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.camera_sharing import CameraChoice
from dust3r_sfm.matching.learned import LearnedConfig, learned_available
from dust3r_sfm.parallel import threads_and_caller
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.choices import KeypointChoice
from dust3r_sfm.regressors.plane_sweep import SweepConfig
from dust3r_sfm.regressors.protocol import Encoding, NoNotebook, Notebook
from dust3r_sfm.regressors.stereo.calibration import calibrated_cameras, epipolar_geometries
from dust3r_sfm.regressors.stereo.features import (
    FeatureConfig,
    Features,
    encodings_of,
    features_from_encoding,
    root_sift,
)
from dust3r_sfm.regressors.stereo.matching import distinct, match_descriptors, unit_descriptors
from dust3r_sfm.regressors.stereo.pointmaps import pair_predictions
from dust3r_sfm.regressors.stereo.pure_rotation import TurnConfig, find_turns
from dust3r_sfm.regressors.stereo.repeated_structure import RepetitionConfig, repeating_pairs
from dust3r_sfm.regressors.stereo.stage import stage_in_threads
from dust3r_sfm.regressors.stereo.two_view import UNRELATED, Epipolar, TwoView, TwoViewConfig, two_view
from dust3r_sfm.regressors.stereo.wide_baseline.affine_matching import WideConfig
from dust3r_sfm.regressors.stereo.wide_baseline.learned_features import LearnedFeatureSource
from dust3r_sfm.regressors.stereo.wide_baseline.learned_matchers import (
    LearnedKeypoints,
    LearnedMatcher,
    TurnedMatcher,
)
from dust3r_sfm.regressors.stereo.wide_baseline.matchers import AffineMatcher
from dust3r_sfm.regressors.stereo.wide_baseline.rolls import RollConfig
from dust3r_sfm.regressors.stereo.wide_baseline.rounds import (
    Attempt,
    PairMatches,
    StrongerConfig,
    with_stronger,
)
from dust3r_sfm.types import (
    Camera,
    Correspondences,
    ImageSpec,
    Pair,
    PairGeometry,
    PairPrediction,
    View,
)


@dataclass(frozen=True)
class StereoConfig(CameraChoice, KeypointChoice):
    """`long_edge`: of views and depth maps. `max_ratio`: of the ratio test. `wide`: for
    few photos from very different viewpoints. `again`: whether pairs that SIFT leaves apart are matched in
    other ways. `neighbours`: each view
    chooses this many others to be swept against, those that share most matches at a good angle.
    `sweep_angles_deg`: median triangulation angles between which a pair is worth sweeping. `device`:
    where sweeps and matching run."""

    long_edge: int = 512
    features: FeatureConfig = field(default_factory=FeatureConfig)
    max_ratio: float = 0.8
    two_view: TwoViewConfig = field(default_factory=TwoViewConfig)
    turns: TurnConfig = field(default_factory=TurnConfig)
    repetition: RepetitionConfig = field(default_factory=RepetitionConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    learned: LearnedConfig = field(default_factory=LearnedConfig)
    roll: RollConfig = field(default_factory=RollConfig)
    wide: WideConfig = field(default_factory=WideConfig)
    stronger: StrongerConfig = field(default_factory=StrongerConfig)
    again: bool = True
    neighbours: int = 4
    sweep_angles_deg: tuple[float, float] = (1.0, 45.0)
    device: str = "cpu"


def sparing(config: StereoConfig) -> StereoConfig:
    """For sets of so many photos that each has several like it: no features at double size, and one sweep a
    photo and not four, as its neighbours' sweeps show the same. It takes a third of the time."""
    return replace(
        config, neighbours=min(config.neighbours, 1), features=replace(config.features, fine_below=0)
    )


class StereoRegressor:
    """See `StereoConfig`; implements `PointmapRegressor`."""

    name = "stereo"
    batch_images = 8
    metric = False
    sees_single_images = False  # Depth comes from parallax alone.

    def __init__(self, config: StereoConfig | None = None, placed: tuple[int, ...] | None = None) -> None:
        """`placed`: see `HasQuickWay.more_closely`."""
        config = config or StereoConfig()
        self.config, self.placed = config, placed
        self.image_spec = ImageSpec(config.long_edge)
        self.learned = config.keypoints == "aliked" or (config.keypoints == "auto" and learned_available())

    def fingerprint(self) -> str:
        return f"stereo-8 {self.learned} {self.placed} {asdict(self.config)}"

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        """Focals come from all pairs of all views with one camera, each view chooses among its pairs which to
        sweep, and all together decide whether they leave views apart."""
        return f"{group_cameras(views, self.config.cameras)} {sorted(_unordered(pairs))}"

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        return encodings_of(views, self.config.features)

    @property
    def quick(self) -> "StereoRegressor | None":
        """Implements `HasQuickWay`: SIFT as the photos stand."""
        every = any(attempt.every for attempt in self._attempts([], NoNotebook()))
        return None if every or not self.config.again else StereoRegressor(replace(self.config, again=False))

    @property
    def most_more_s(self) -> float:
        """Implements `HasQuickWay`."""
        return sum(attempt.budget.most_s for attempt in self._attempts([], NoNotebook()))

    def more_closely(self, placed: tuple[int, ...]) -> "StereoRegressor":
        """Implements `HasQuickWay`."""
        return StereoRegressor(self.config, placed)

    def local_descriptors(self, encoding: Encoding) -> Float[np.ndarray, "n 128"]:
        """Implements `DescribesImages`."""
        return root_sift(features_from_encoding(encoding).descriptors)

    def feature_pixels(self, encoding: Encoding) -> Float[np.ndarray, "n 2"]:
        """Implements `MatchesFeatures`."""
        return encoding["pixels"]

    def match_features(self, encoding_i: Encoding, encoding_j: Encoding) -> Int[np.ndarray, "k 2"]:
        """Implements `MatchesFeatures`."""
        device = torch.device(self.config.device)
        of_i = unit_descriptors(encoding_i["descriptors"], device)
        of_j = unit_descriptors(encoding_j["descriptors"], device)
        return match_descriptors(of_i, of_j, self.config.max_ratio)

    @property
    def stronger_features(self) -> LearnedFeatureSource | None:
        """Implements `HasStrongerFeatures`."""
        if not self.learned:
            return None
        return LearnedFeatureSource(self.config.learned, torch.device(self.config.device))

    @property
    def always_stronger(self) -> bool:
        """Implements `HasStrongerFeatures`."""
        return self.config.keypoints == "aliked"

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Encoding],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
        notebook: Notebook | None = None,
    ) -> Iterator[PairPrediction]:
        """Matches every unordered pair once, calibrates on all of them, then yields both directions."""
        notebook = notebook or NoNotebook()
        features = [features_from_encoding(encoding) for encoding in encodings]
        wanted = _unordered(pairs)
        plain = self._matches(features, list(wanted), progress)
        known = PairMatches(plain, epipolar_geometries(views, features, plain, self.config.two_view))
        for attempt in self._attempts(views, notebook):
            known = with_stronger(
                known,
                attempt,
                views,
                features,
                wanted,
                self.config.two_view,
                self.config.stronger,
                progress,
                self.placed,
            )
        matches = known.matches
        repeating = repeating_pairs(
            views, features, matches, list(known.epipolar), self.config.two_view, self.config.repetition
        )
        epipolar = {pair: found for pair, found in known.epipolar.items() if pair not in repeating}
        turns = find_turns(views, features, matches, epipolar, self.config.turns)
        epipolar = {pair: found for pair, found in epipolar.items() if pair not in turns.mistaken}
        cameras = calibrated_cameras(views, features, epipolar, self.config.cameras)
        geometries = self._geometries(matches, epipolar, turns.turning, cameras, features, progress)
        swept = worth_sweeping(geometries, self.config)
        missing = {
            pair: [one for one in directions if one not in done] for pair, directions in wanted.items()
        }

        def predicted(pair: Pair) -> list[PairPrediction]:
            if not missing[pair]:
                return []
            sweep = self.config.sweep if pair in swept else None
            geometry = geometries.get(pair, UNRELATED)
            both = pair_predictions(pair, views, cameras, geometry, sweep, self.config.device)
            return [prediction for prediction in both if prediction.pair in missing[pair]]

        progress.start("Dense stereo", len(wanted), "pairs")
        # Those with most matches first: what is kept of a view's maps then rarely gives way later.
        rest = [pair for pair in wanted if pair not in swept]
        rest.sort(key=lambda pair: -len(geometries.get(pair, UNRELATED).matches))
        for predictions in threads_and_caller(predicted, sorted(swept), rest):
            yield from predictions
            progress.advance()

    def _matches(
        self, features: Sequence[Features], pairs: Sequence[Pair], progress: Progress
    ) -> dict[Pair, Correspondences]:
        device = torch.device(self.config.device)
        descriptors = [unit_descriptors(found.descriptors, device) for found in features]

        def matched(pair: Pair) -> Correspondences:
            of_i, of_j = descriptors[pair.i], descriptors[pair.j]
            rows_i, rows_j = match_descriptors(of_i, of_j, self.config.max_ratio).T
            pixels_i, pixels_j = features[pair.i].pixels[rows_i], features[pair.j].pixels[rows_j]
            return distinct(Correspondences(pixels_i, pixels_j, np.ones(len(rows_i))))

        return stage_in_threads("Matching", "pairs", matched, pairs, progress)

    def _attempts(self, views: Sequence[View], notebook: Notebook) -> list[Attempt]:
        """What is tried in turn where SIFT leaves views apart."""
        config, device, limits = self.config, torch.device(self.config.device), self.config.stronger
        if not config.again:
            return []
        if not self.learned:
            affine = AffineMatcher(config.wide, config.features, config.max_ratio, device, views, notebook)
            return [Attempt(affine, limits.affine)]
        keypoints = LearnedKeypoints(config.learned, device, views, notebook)
        upright, turned = LearnedMatcher(keypoints), TurnedMatcher(keypoints, config.roll)
        every = self.always_stronger or device.type == "cuda"  # There a pair takes milliseconds.
        return [Attempt(upright, limits.learned, every), Attempt(turned, limits.turned)]

    def _geometries(
        self,
        matches: Mapping[Pair, Correspondences],
        epipolar: Mapping[Pair, Epipolar],
        turning: frozenset[Pair],
        cameras: Sequence[Camera],
        features: Sequence[Features],
        progress: Progress,
    ) -> dict[Pair, TwoView]:
        def geometry(pair: Pair) -> TwoView:
            i, j = pair.i, pair.j
            resolution = features[i].resolution, features[j].resolution
            settings = self.config.two_view
            both = cameras[i], cameras[j]
            return two_view(matches[pair], *both, resolution, epipolar[pair], settings, pair in turning)

        return stage_in_threads("Two-view geometry", "pairs", geometry, epipolar, progress)


def _unordered(pairs: Sequence[Pair]) -> dict[Pair, list[Pair]]:
    """For each unordered pair, smaller index first, the directions that are asked for."""
    out: dict[Pair, list[Pair]] = {}
    for pair in pairs:
        out.setdefault(Pair(min(pair.i, pair.j), max(pair.i, pair.j)), []).append(pair)
    return out


def worth_sweeping(geometries: Mapping[Pair, TwoView], config: StereoConfig) -> set[Pair]:
    """For each view its best `neighbours` pairs: many matches, angles neither small nor wide."""
    least, most = config.sweep_angles_deg
    offers: dict[int, list[tuple[float, Pair]]] = {}
    for pair, found in geometries.items():
        solid = found.geometry in (PairGeometry.GENERAL, PairGeometry.PLANAR)
        if solid and least <= found.angle_deg <= most and np.isfinite(found.depth_i).sum() >= 8:
            # Depth precision grows with the angle while the views still look alike.
            worth = len(found.matches) * min(found.angle_deg / 8.0, 1.0)
            for view in (pair.i, pair.j):
                offers.setdefault(view, []).append((-worth, pair))
    return {pair for found in offers.values() for _, pair in sorted(found)[: config.neighbours]}
