"""Robust two-view geometry of one pair, by pycolmap."""

from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.geometry import apply_affine, rigid
from dust3r_sfm.types import Camera, Correspondences, PairGeometry, Rigid

_GEOMETRY = {
    pycolmap.TwoViewGeometryConfiguration.CALIBRATED: PairGeometry.GENERAL,
    pycolmap.TwoViewGeometryConfiguration.UNCALIBRATED: PairGeometry.GENERAL,
    pycolmap.TwoViewGeometryConfiguration.PLANAR: PairGeometry.PLANAR,
    pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC: PairGeometry.PLANAR,
    pycolmap.TwoViewGeometryConfiguration.PANORAMIC: PairGeometry.ROTATION_ONLY,
}


@dataclass(frozen=True)
class TwoViewConfig:
    """`max_error_px` in pixels of the pictures that features were found in. `min_angle_deg`: median
    triangulation angle below which a pair has too little parallax for depth."""

    max_error_px: float = 4.0
    min_inliers: int = 15
    min_angle_deg: float = 0.3
    seed: int = 0


@dataclass(frozen=True)
class TwoView:
    """`j_from_i` has a baseline of length 1 (0 for ROTATION_ONLY). `matches` are inliers, with depth in
    either camera in that unit (nan where they have none). Everything else is None or empty for
    UNRELATED."""

    geometry: PairGeometry
    j_from_i: Rigid | None
    matches: Correspondences
    depth_i: Float[np.ndarray, " n"]
    depth_j: Float[np.ndarray, " n"]
    angle_deg: float


UNRELATED = TwoView(
    PairGeometry.UNRELATED,
    None,
    Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)),
    np.zeros(0),
    np.zeros(0),
    0.0,
)


def _ransac(config: TwoViewConfig) -> pycolmap.RANSACOptions:
    options = pycolmap.RANSACOptions()
    options.max_error = config.max_error_px
    options.random_seed = config.seed
    return options


@dataclass(frozen=True)
class Epipolar:
    """F of one pair in centred pixels of the searched pictures, its number of inliers, and the share of
    them that one homography explains too."""

    fundamental: Float[np.ndarray, "3 3"]
    inliers: int
    homography_share: float


def fundamental_matrix(
    pixels_i: Float[np.ndarray, "n 2"], pixels_j: Float[np.ndarray, "n 2"], config: TwoViewConfig
) -> Epipolar | None:
    """None where too few matches agree. Pixels relative to the principal points."""
    if len(pixels_i) < config.min_inliers:
        return None
    found = pycolmap.estimate_fundamental_matrix(pixels_i, pixels_j, _ransac(config))
    if found is None or found["num_inliers"] < config.min_inliers:
        return None
    plane = pycolmap.estimate_homography_matrix(pixels_i, pixels_j, _ransac(config))
    return Epipolar(
        found["F"], found["num_inliers"], (plane["num_inliers"] if plane else 0) / found["num_inliers"]
    )


def two_view(
    matches: Correspondences,
    camera_i: Camera,
    camera_j: Camera,
    resolution: tuple[float, float],
    config: TwoViewConfig,
) -> TwoView:
    """What the matches of a pair show, with known cameras (view pixels). `resolution`: searched pixels
    for each view pixel, of either view."""
    if len(matches) < config.min_inliers:
        return UNRELATED
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac = _ransac(config)
    options.min_num_inliers = config.min_inliers
    # The focal may still be off: fewer inliers than the fundamental matrix has are no reason to refuse.
    options.min_E_F_inlier_ratio = 0.0
    options.compute_relative_pose = True
    indices = np.repeat(np.arange(len(matches), dtype=np.uint32)[:, None], 2, axis=1)
    found = pycolmap.estimate_calibrated_two_view_geometry(
        _pycolmap_camera(camera_i, resolution[0]),
        matches.pixels_i * resolution[0],
        _pycolmap_camera(camera_j, resolution[1]),
        matches.pixels_j * resolution[1],
        indices,
        options,
    )
    geometry = _GEOMETRY.get(pycolmap.TwoViewGeometryConfiguration(found.config))
    if geometry is None or len(found.inlier_matches) < config.min_inliers or found.cam2_from_cam1 is None:
        return UNRELATED
    inliers = np.sort(np.asarray(found.inlier_matches)[:, 0])
    kept = Correspondences(matches.pixels_i[inliers], matches.pixels_j[inliers], matches.weights[inliers])
    pose = found.cam2_from_cam1
    translation = np.asarray(pose.translation)
    length = np.linalg.norm(translation)
    unit = translation / length if length > 0 else translation
    j_from_i = rigid(pose.rotation.matrix(), unit)
    return _judged(geometry, j_from_i, kept, camera_i, camera_j, config)


def _judged(
    geometry: PairGeometry,
    j_from_i: Rigid,
    matches: Correspondences,
    camera_i: Camera,
    camera_j: Camera,
    config: TwoViewConfig,
) -> TwoView:
    """Depths of the inliers, and whether there is enough parallax to believe them."""
    rays_i, rays_j = _rays(matches.pixels_i, camera_i), _rays(matches.pixels_j, camera_j)
    depth_i, depth_j = triangulated_depths(rays_i, rays_j, j_from_i)
    turned = rays_i @ j_from_i[:3, :3].T
    cosine = (turned * rays_j).sum(1) / np.linalg.norm(turned, axis=1) / np.linalg.norm(rays_j, axis=1)
    angle = float(np.median(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))))
    if geometry is not PairGeometry.ROTATION_ONLY and angle < config.min_angle_deg:
        geometry = PairGeometry.LOW_PARALLAX
    return TwoView(geometry, j_from_i, matches, depth_i, depth_j, angle)


def triangulated_depths(
    rays_i: Float[np.ndarray, "n 3"], rays_j: Float[np.ndarray, "n 3"], j_from_i: Rigid
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """z of the points nearest to both rays, in either camera; nan where a ray meets the other behind a
    camera or (nearly) never. Rays have z = 1."""
    turned = rays_i @ j_from_i[:3, :3].T
    translation = j_from_i[:3, 3]
    aa, bb, ab = (turned**2).sum(1), (rays_j**2).sum(1), (turned * rays_j).sum(1)
    at, bt = turned @ translation, rays_j @ translation
    determinant = aa * bb - ab**2
    with np.errstate(divide="ignore", invalid="ignore"):
        depth_i = (ab * bt - bb * at) / determinant
        depth_j = (aa * bt - ab * at) / determinant
    behind = ~((depth_i > 0) & (depth_j > 0) & (determinant > 1e-10 * aa * bb))
    return np.where(behind, np.nan, depth_i), np.where(behind, np.nan, depth_j)


def _rays(pixels: Float[np.ndarray, "n 2"], camera: Camera) -> Float[np.ndarray, "n 3"]:
    inverse = np.linalg.inv(camera.matrix)
    return np.concatenate([apply_affine(inverse, pixels), np.ones((len(pixels), 1))], axis=1)


def _pycolmap_camera(camera: Camera, resolution: float) -> pycolmap.Camera:
    size = round(camera.width * resolution), round(camera.height * resolution)
    params = [camera.fx * resolution, camera.fy * resolution, camera.cx * resolution, camera.cy * resolution]
    return pycolmap.Camera(model="PINHOLE", width=size[0], height=size[1], params=params)
