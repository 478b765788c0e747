"""The embedded regressor: SIFT, self-calibration and two-view geometry, then dense plane sweeps.

Nothing to download. Cost: one feature search an image, one matching a pair (quadratic in the number of
features), and two sweeps for each of the `neighbours` pairs that a view chooses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.ndimage import distance_transform_edt

from dust3r_sfm.camera_sharing import CameraSharing, group_cameras
from dust3r_sfm.geometry import invert_rigid, pixel_grid, transform_points, unproject
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.plane_sweep import DepthEstimate, SweepConfig, sweep_pair
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.regressors.stereo.calibration import calibrated_cameras, epipolar_geometries
from dust3r_sfm.regressors.stereo.features import (
    FeatureConfig,
    Features,
    encodings_of,
    features_from_encoding,
    root_sift,
)
from dust3r_sfm.regressors.stereo.matching import distinct, match_descriptors, unit_descriptors
from dust3r_sfm.regressors.stereo.threads import in_threads
from dust3r_sfm.regressors.stereo.two_view import UNRELATED, Epipolar, TwoView, TwoViewConfig, two_view
from dust3r_sfm.types import (
    Camera,
    Correspondences,
    ImageSpec,
    Pair,
    PairGeometry,
    PairPrediction,
    Rigid,
    View,
)

SPARSE_CONFIDENCE = 3.0
"""Confidence of a triangulated inlier at the best triangulation angles."""
REACH, AROUND_SHARE = 0.03, 0.2
"""How far around an inlier its depth is taken over (of the long edge), and with what share of trust."""
FULL_ANGLE_DEG = 3.0
"""Triangulation angle from which an inlier's depth is as good as it gets."""


@dataclass(frozen=True)
class StereoConfig:
    """`long_edge`: of views and depth maps. `max_ratio`: of the ratio test. `neighbours`: each view
    chooses this many others to be swept against, those that share most matches at a good angle.
    `sweep_angles_deg`: median triangulation angles between which a pair is worth sweeping. `device`:
    where sweeps and matching run."""

    long_edge: int = 512
    features: FeatureConfig = field(default_factory=FeatureConfig)
    max_ratio: float = 0.8
    cameras: CameraSharing = "auto"
    two_view: TwoViewConfig = field(default_factory=TwoViewConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    neighbours: int = 4
    sweep_angles_deg: tuple[float, float] = (1.0, 45.0)
    device: str = "cpu"


class StereoRegressor:
    """See `StereoConfig`; implements `PointmapRegressor`."""

    name = "stereo"
    batch_images = 8
    metric = False
    sees_single_images = False  # Depth comes from parallax alone.

    def __init__(self, config: StereoConfig) -> None:
        self.config = config
        self.image_spec = ImageSpec(config.long_edge)

    def fingerprint(self) -> str:
        return f"stereo-2 {asdict(self.config)}"

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        """Focals come from all pairs of all views with one camera, and each view chooses among its pairs
        which to sweep."""
        return f"{group_cameras(views, self.config.cameras)} {sorted(_unordered(pairs))}"

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        return encodings_of(views, self.config.features)

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

    def predict(
        self,
        views: Sequence[View],
        encodings: Sequence[Encoding],
        pairs: Sequence[Pair],
        done: frozenset[Pair],
        progress: Progress,
    ) -> Iterator[PairPrediction]:
        """Matches every unordered pair once, calibrates on all of them, then yields both directions."""
        features = [features_from_encoding(encoding) for encoding in encodings]
        wanted = _unordered(pairs)
        matches = self._matches(features, list(wanted), progress)
        epipolar = epipolar_geometries(views, features, matches, self.config.two_view)
        cameras = calibrated_cameras(views, features, epipolar, self.config.cameras)
        geometries = self._geometries(matches, epipolar, cameras, features, progress)
        swept = worth_sweeping(geometries, self.config)
        progress.start("Dense stereo", len(wanted), "pairs")
        for pair, directions in wanted.items():
            missing = [direction for direction in directions if direction not in done]
            if missing:
                yield from self._predictions(
                    views, cameras, geometries.get(pair, UNRELATED), pair in swept, pair, missing
                )
            progress.advance()

    def _matches(
        self, features: Sequence[Features], pairs: Sequence[Pair], progress: Progress
    ) -> dict[Pair, Correspondences]:
        device = torch.device(self.config.device)
        descriptors = [unit_descriptors(found.descriptors, device) for found in features]
        progress.start("Matching", len(pairs), "pairs")
        out = {}
        for pair in pairs:
            rows_i, rows_j = match_descriptors(
                descriptors[pair.i], descriptors[pair.j], self.config.max_ratio
            ).T
            found = Correspondences(
                features[pair.i].pixels[rows_i], features[pair.j].pixels[rows_j], np.ones(len(rows_i))
            )
            out[pair] = distinct(found)
            progress.advance()
        return out

    def _geometries(
        self,
        matches: Mapping[Pair, Correspondences],
        epipolar: Mapping[Pair, Epipolar],
        cameras: Sequence[Camera],
        features: Sequence[Features],
        progress: Progress,
    ) -> dict[Pair, TwoView]:
        def geometry(pair: Pair) -> TwoView:
            i, j = pair.i, pair.j
            resolution = features[i].resolution, features[j].resolution
            settings = self.config.two_view
            return two_view(matches[pair], cameras[i], cameras[j], resolution, epipolar[pair], settings)

        progress.start("Two-view geometry", len(epipolar), "pairs")
        out = {}
        for pair, found in zip(epipolar, in_threads(geometry, epipolar), strict=True):
            out[pair] = found
            progress.advance()
        return out

    def _predictions(
        self,
        views: Sequence[View],
        cameras: Sequence[Camera],
        geometry: TwoView,
        sweep: bool,
        pair: Pair,
        missing: Sequence[Pair],
    ) -> Iterator[PairPrediction]:
        camera_i, camera_j = cameras[pair.i], cameras[pair.j]
        sparse_i = _sparse_depth(geometry, geometry.matches.pixels_i, geometry.depth_i, camera_i)
        sparse_j = _sparse_depth(geometry, geometry.matches.pixels_j, geometry.depth_j, camera_j)
        if sweep and geometry.j_from_i is not None:
            dense_i, dense_j = sweep_pair(
                views[pair.i].image,
                views[pair.j].image,
                camera_i,
                camera_j,
                geometry.j_from_i,
                _inverse_range(geometry.depth_i),
                _inverse_range(geometry.depth_j),
                self.config.sweep,
                torch.device(self.config.device),
            )
            sparse_i, sparse_j = _merged(dense_i, sparse_i), _merged(dense_j, sparse_j)
        j_from_i = np.eye(4) if geometry.j_from_i is None else geometry.j_from_i
        local_i, local_j = _local_points(sparse_i, camera_i), _local_points(sparse_j, camera_j)
        forward = PairPrediction(
            pair,
            local_i,
            _moved(local_j, invert_rigid(j_from_i)),
            sparse_i.confidence,
            sparse_j.confidence,
            geometry.matches,
            geometry.geometry,
        )
        backward = PairPrediction(
            pair.swapped(),
            local_j,
            _moved(local_i, j_from_i),
            sparse_j.confidence,
            sparse_i.confidence,
            geometry.matches.swapped(),
            geometry.geometry,
        )
        yield from (prediction for prediction in (forward, backward) if prediction.pair in missing)


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


def _inverse_range(depth: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Least and greatest inverse depth to search: what the inliers span, and some more, as they are
    rarely on the nearest and farthest things."""
    least, most = np.nanpercentile(1.0 / depth, [1.0, 99.0])
    margin = 0.25 * (most - least) + 0.02 * most
    return float(max(least - margin, 0.02 * most)), float(most + margin)


def _sparse_depth(
    geometry: TwoView, pixels: Float[np.ndarray, "n 2"], depth: Float[np.ndarray, " n"], camera: Camera
) -> DepthEstimate:
    """Depth of triangulated inliers, and with quickly falling confidence at the pixels around them:
    crude, but on the right rays, and enough to tie this pair's scale to other pairs'."""
    shape = camera.height, camera.width
    known = np.isfinite(depth)
    if geometry.geometry not in (PairGeometry.GENERAL, PairGeometry.PLANAR) or not known.any():
        return DepthEstimate(np.zeros(shape, np.float32), np.ones(shape, np.float32))
    seeds = np.zeros(shape, dtype=np.float32)
    column, row = np.minimum(pixels[known].astype(np.int64), [camera.width - 1, camera.height - 1]).T
    seeds[row, column] = depth[known]
    distance, (near_row, near_column) = distance_transform_edt(seeds == 0, return_indices=True)
    reach = REACH * max(shape)
    nearness = np.where(distance == 0, 1.0, AROUND_SHARE * np.clip(1.0 - distance / reach, 0.0, 1.0))
    best = (SPARSE_CONFIDENCE - 1.0) * min(geometry.angle_deg / FULL_ANGLE_DEG, 1.0)
    return DepthEstimate(
        np.where(nearness > 0, seeds[near_row, near_column], 0.0).astype(np.float32),
        (1.0 + best * nearness).astype(np.float32),
    )


def _merged(dense: DepthEstimate, sparse: DepthEstimate) -> DepthEstimate:
    """The more confident of both at every pixel."""
    better = sparse.confidence > dense.confidence
    return DepthEstimate(
        np.where(better, sparse.depth, dense.depth), np.where(better, sparse.confidence, dense.confidence)
    )


def _local_points(estimate: DepthEstimate, camera: Camera) -> Float[np.ndarray, "h w 3"]:
    """Points in the camera's own frame."""
    rays = unproject(pixel_grid(camera.height, camera.width), np.ones_like(estimate.depth), camera)
    return rays.astype(np.float32) * estimate.depth[..., None]


def _moved(points: Float[np.ndarray, "h w 3"], b_from_a: Rigid) -> Float[np.ndarray, "h w 3"]:
    return transform_points(b_from_a.astype(np.float32), points.reshape(-1, 3)).reshape(points.shape)
