"""What a pointmap regressor would say of a scene whose geometry is known: exactly, or with made-up faults."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import (
    invert_rigid,
    pixel_grid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.geometry.resampling import sample_bilinear
from dust3r_sfm.types import Camera, Correspondences, Pair, PairPrediction, PointmapArray, Rigid

CONFIDENT = 10.0


def synthetic_predictions(
    depths: Sequence[Float[np.ndarray, "_h _w"]],
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    pairs: Sequence[Pair],
    noise: float = 0.0,
    outlier_fraction: float = 0.0,
    wrong_pair_fraction: float = 0.0,
    max_correspondences: int = 0,
    seed: int = 0,
) -> list[PairPrediction]:
    """Predictions for each directed pair from exact depth maps (z; 0 where unknown), one a photo.

    Both pointmaps are exact points in frame i times one random scale in [0.5, 2] for the pair.
    Confidence is 10 where depth is known and 1, with the point (0, 0, 0), where it is not. Faults:

    noise: isotropic Gaussian, sigma = noise * depth in the pixel's own camera on each of x, y and z
        (0.01: 1 % of depth); every directed pair has noise of its own.
    outlier_fraction: this share of pixels lie at random depths (0.2 to 3 times the median) along
        their own rays, still with confidence 10.
    wrong_pair_fraction: this share of the undirected pairs is confident nonsense: points_j, and the
        correspondences, follow a wrong relative pose, the same (inverted) for both directions.
    max_correspondences: above 0, also give at most so many `exact_correspondences`; they carry none
        of the noise.
    """
    rng = np.random.default_rng(seed)
    detours = {pair: _detour(rng) for pair in _wrong_pairs(pairs, wrong_pair_fraction, rng)}
    return [
        _predict_pair(
            pair,
            depths,
            cameras,
            _predict_pose(pair, depths, cam_from_world, detours),
            noise,
            outlier_fraction,
            max_correspondences,
            rng,
        )
        for pair in pairs
    ]


def _predict_pair(
    pair: Pair,
    depths: Sequence[Float[np.ndarray, "_h _w"]],
    cameras: Sequence[Camera],
    i_from_j: Rigid,
    noise: float,
    outlier_fraction: float,
    max_correspondences: int,
    rng: np.random.Generator,
) -> PairPrediction:
    i, j = pair.i, pair.j
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(2.0))))
    points_i = _faulty_points(depths[i], cameras[i], noise, outlier_fraction, rng)
    points_j = _faulty_points(depths[j], cameras[j], noise, outlier_fraction, rng)
    points_j = transform_points(i_from_j, points_j.reshape(-1, 3)).reshape(points_j.shape)
    matches = None
    if max_correspondences > 0:
        matches = exact_correspondences(
            depths[i], depths[j], cameras[i], cameras[j], invert_rigid(i_from_j), max_correspondences, rng
        )
    known_i, known_j = depths[i] > 0, depths[j] > 0
    return PairPrediction(
        pair,
        scale * points_i * known_i[..., None],
        scale * points_j * known_j[..., None],
        np.where(known_i, CONFIDENT, 1.0),
        np.where(known_j, CONFIDENT, 1.0),
        matches,
    )


def _predict_pose(
    pair: Pair,
    depths: Sequence[Float[np.ndarray, "_h _w"]],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    detours: Mapping[Pair, Rigid],
) -> Rigid:
    """i_from_j, wrong by the pair's detour if it or its swapped one has one."""
    i_from_j = cam_from_world[pair.i] @ invert_rigid(cam_from_world[pair.j])
    if pair in detours:
        return _about(detours[pair], _middle(depths[pair.i])) @ i_from_j
    if pair.swap() in detours:
        return i_from_j @ invert_rigid(_about(detours[pair.swap()], _middle(depths[pair.j])))
    return i_from_j


def exact_correspondences(
    depth_i: Float[np.ndarray, "hi wi"],
    depth_j: Float[np.ndarray, "hj wj"],
    camera_i: Camera,
    camera_j: Camera,
    j_from_i: Rigid,
    count: int,
    rng: np.random.Generator,
    tolerance: float = 0.01,
) -> Correspondences:
    """At most `count` pixel centres of i with their exact sub-pixel images in j, where j sees them.

    Seen means inside j's image and within `tolerance` (relative) of j's depth there, interpolated
    between the four pixels about it in 1/z, which is exact on planes; all four must be known.
    """
    pixels_i = pixel_grid(*depth_i.shape).reshape(-1, 2)[depth_i.reshape(-1) > 0]
    depth = depth_i.reshape(-1)[depth_i.reshape(-1) > 0]
    in_j = transform_points(j_from_i, unproject(pixels_i, depth, camera_i))
    pixels_i, in_j = pixels_i[in_j[:, 2] > 0], in_j[in_j[:, 2] > 0]
    pixels_j = project(in_j, camera_j)
    height, width = depth_j.shape
    inside = np.all((pixels_j >= 0.5) & (pixels_j <= [width - 0.5, height - 0.5]), axis=-1)
    pixels_i, pixels_j, z = pixels_i[inside], pixels_j[inside], in_j[inside, 2]
    # Of what has an unknown neighbour nothing is known either: nan agrees with nothing.
    inverse = np.divide(1.0, depth_j, out=np.full_like(depth_j, np.nan), where=depth_j > 0)
    agrees = np.abs(z * sample_bilinear(inverse, pixels_j) - 1.0) < tolerance
    kept = np.flatnonzero(agrees)
    kept = np.sort(rng.choice(kept, min(count, len(kept)), replace=False))
    return Correspondences(pixels_i[kept], pixels_j[kept], np.ones(len(kept)))


def _faulty_points(
    depth: Float[np.ndarray, "h w"],
    camera: Camera,
    noise: float,
    outlier_fraction: float,
    rng: np.random.Generator,
) -> PointmapArray:
    """Camera-frame points of a depth map with outliers and noise of their own."""
    shift = noise * depth[..., None] * rng.standard_normal((*depth.shape, 3))
    if outlier_fraction > 0:
        elsewhere = np.median(depth[depth > 0]) * rng.uniform(0.2, 3.0, depth.shape)
        outlier = rng.uniform(size=depth.shape) < outlier_fraction
        depth = np.where(outlier, elsewhere, depth)
        shift[outlier] = 0.0
    return unproject(pixel_grid(*depth.shape), depth, camera) + shift


def _wrong_pairs(pairs: Sequence[Pair], fraction: float, rng: np.random.Generator) -> list[Pair]:
    edges = sorted({min(pair, pair.swap()) for pair in pairs})
    chosen = rng.permutation(len(edges))[: round(fraction * len(edges))]
    return [edges[index] for index in sorted(chosen)]


def _detour(rng: np.random.Generator) -> Rigid:
    """A wrong motion: a turn by 30 to 180 degrees about a random axis, with a shift of up to half a unit."""
    axis = rng.standard_normal(3)
    turn = axis / np.linalg.norm(axis) * rng.uniform(np.radians(30.0), np.pi)
    return rigid(rotation_from_vector(turn), rng.uniform(-0.5, 0.5, 3))


def _middle(depth: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "3"]:
    """The camera-frame point on the optical axis at the median depth."""
    return np.array([0.0, 0.0, np.median(depth[depth > 0])])


def _about(motion: Rigid, centre: Float[np.ndarray, "3"]) -> Rigid:
    """`motion` carried out about `centre`: points near it stay near it."""
    there = rigid(np.eye(3), centre)
    return there @ motion @ invert_rigid(there)
