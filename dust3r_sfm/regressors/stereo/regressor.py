"""The embedded regressor: SIFT, self-calibration and two-view geometry, then dense plane sweeps.

Nothing to download. Cost: one feature search an image, one matching a pair (quadratic in the number of
features), and two sweeps for each of the pairs that a view chooses. Photos that this leaves apart are matched
again within a budget (`wide_baseline/`): by learned keypoints, or without them by affine SIFT, at eighteen
searches a photo and matchings of ten times as many features.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from dust3r_sfm.camera_groups import group_cameras
from dust3r_sfm.io.results_version import RESULTS_VERSION
from dust3r_sfm.matching.learned import learned_available
from dust3r_sfm.parallel import threads_and_caller
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.protocol import Encoding, NoNotebook, Notebook
from dust3r_sfm.regressors.stereo.calibration import Calibration, calibrate
from dust3r_sfm.regressors.stereo.config import StereoConfig, closer_ways
from dust3r_sfm.regressors.stereo.features import Features, encode_each, features_from_encoding, root_sift
from dust3r_sfm.regressors.stereo.matching import match_descriptors, unit_descriptors
from dust3r_sfm.regressors.stereo.pair_matching import match_closely, match_plainly
from dust3r_sfm.regressors.stereo.pointmaps import pair_predictions
from dust3r_sfm.regressors.stereo.stage import stage_in_threads
from dust3r_sfm.regressors.stereo.sweep_choice import worth_sweeping
from dust3r_sfm.regressors.stereo.two_view import UNRELATED, TwoView, two_view
from dust3r_sfm.regressors.stereo.wide_baseline.learned_features import LearnedFeatureSource
from dust3r_sfm.types import ImageSpec, Pair, PairPrediction, View


class StereoRegressor:
    """See `StereoConfig`; implements `PointmapRegressor`."""

    name = "stereo"
    batch_images = 16
    metric = False
    sees_single_images = False  # Depth comes from parallax alone.

    def __init__(self, config: StereoConfig | None = None, placed: tuple[int, ...] | None = None) -> None:
        """`placed`: see `HasQuickWay.more_closely`."""
        config = config or StereoConfig()
        self.config, self.placed = config, placed
        self.image_spec = ImageSpec(config.long_edge)
        self.learned = config.keypoints == "aliked" or (config.keypoints == "auto" and learned_available())

    def fingerprint(self) -> str:
        return f"{self.name} {RESULTS_VERSION} {self.learned} {self.placed} {asdict(self.config)}"

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        """Focals come from all pairs of all views with one camera, each view chooses among its pairs which to
        sweep, and all together decide whether they leave views apart."""
        return f"{group_cameras(views, self.config.cameras)} {sorted(_unordered(pairs))}"

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        return [encoding for _, encoding in sorted(self.encode_each(views), key=lambda found: found[0])]

    def encode_each(self, views: Sequence[View]) -> Iterator[tuple[int, Encoding]]:
        """Implements `EncodesOneByOne`."""
        return encode_each(views, self.config.features)

    @property
    def quick(self) -> "StereoRegressor | None":
        """Implements `HasQuickWay`: SIFT as the photos stand."""
        every = any(way.every for way in closer_ways(self.config, self.learned))
        return None if every or not self.config.again else StereoRegressor(replace(self.config, again=False))

    @property
    def most_more_s(self) -> float:
        """Implements `HasQuickWay`."""
        return sum(way.budget.most_s for way in closer_ways(self.config, self.learned))

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
        config, notes = self.config, notebook or NoNotebook()
        features = [features_from_encoding(encoding) for encoding in encodings]
        wanted = _unordered(pairs)
        known = match_plainly(views, features, list(wanted), config, progress)
        known = match_closely(
            known, views, features, wanted, config, self.learned, self.placed, notes, progress
        )
        progress.start("Self-calibration", 1, "steps")
        calibration = calibrate(views, features, known, config)
        progress.advance()
        geometries = two_view_geometries(calibration, features, config, progress)
        missing = {
            pair: [one for one in directions if one not in done] for pair, directions in wanted.items()
        }
        yield from dense_predictions(missing, views, calibration, geometries, config, progress)


def two_view_geometries(
    calibration: Calibration, features: Sequence[Features], config: StereoConfig, progress: Progress
) -> dict[Pair, TwoView]:
    """Of the pairs that are believed, with known cameras. A stage "Two-view geometry" in pairs."""
    believed, cameras = calibration.believed, calibration.cameras

    def geometry(pair: Pair) -> TwoView:
        resolution = features[pair.i].resolution, features[pair.j].resolution
        both, turned = (cameras[pair.i], cameras[pair.j]), pair in calibration.turning
        epipolar = believed.epipolar[pair]
        return two_view(believed.matches[pair], *both, resolution, epipolar, config.two_view, turned)

    return stage_in_threads("Two-view geometry", "pairs", geometry, believed.epipolar, progress)


def dense_predictions(
    missing: Mapping[Pair, Sequence[Pair]],
    views: Sequence[View],
    calibration: Calibration,
    geometries: Mapping[Pair, TwoView],
    config: StereoConfig,
    progress: Progress,
) -> Iterator[PairPrediction]:
    """The `missing` directions of each unordered pair: swept, where that is worth it, or of its matches
    alone. A stage "Dense stereo" in pairs."""
    swept = worth_sweeping(geometries, config.neighbours, config.sweep_choice)

    def predict_pair(pair: Pair) -> list[PairPrediction]:
        if not missing[pair]:
            return []
        sweep = config.sweep if pair in swept else None
        geometry = geometries.get(pair, UNRELATED)
        both = pair_predictions(
            pair, views, calibration.cameras, geometry, config.sparse_depth, sweep, config.device
        )
        return [prediction for prediction in both if prediction.pair in missing[pair]]

    progress.start("Dense stereo", len(missing), "pairs")
    # Those with most matches first: what is kept of a view's maps then rarely gives way later.
    rest = [pair for pair in missing if pair not in swept]
    rest.sort(key=lambda pair: -len(geometries.get(pair, UNRELATED).matches))
    for predictions in threads_and_caller(predict_pair, sorted(swept), rest):
        yield from predictions
        progress.advance()


def _unordered(pairs: Sequence[Pair]) -> dict[Pair, list[Pair]]:
    """For each unordered pair, smaller index first, the directions that are asked for."""
    out: dict[Pair, list[Pair]] = {}
    for pair in pairs:
        out.setdefault(Pair(min(pair.i, pair.j), max(pair.i, pair.j)), []).append(pair)
    return out
