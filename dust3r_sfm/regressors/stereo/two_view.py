"""Robust two-view geometry of one pair, by pycolmap."""

from dataclasses import dataclass

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.geometry import rigid, unproject
from dust3r_sfm.geometry.cameras import scale_camera
from dust3r_sfm.geometry.colmap.cameras import pycolmap_camera
from dust3r_sfm.geometry.colmap.options import two_view_ransac_options
from dust3r_sfm.geometry.projection import unit_rays
from dust3r_sfm.geometry.turning import fit_rotation
from dust3r_sfm.types import Camera, Correspondences, PairGeometry, Rigid


@dataclass(frozen=True)
class TwoViewConfig:
    """How the geometry of a pair is estimated from its matches, and what it must show."""

    max_error_px: float = 4.0
    """Error of an inlier, in pixels of the pictures that features were found in: COLMAP's own choice."""
    min_inliers: int = 15
    """Matches that agree on a geometry, for the pair to show anything in common: COLMAP's own choice."""
    most_matches: int = 1000
    """Matches of a pair that its fundamental matrix is estimated from: evenly chosen, they say all it can."""
    planar_share: float = 0.8
    """A pair whose epipolar inliers one homography explains to this share may be a plane or a mere turn."""
    turn_share: float = 0.8
    """A rotation that alone explains this share of a pair's inliers leaves nothing to triangulate."""
    min_angle_deg: float = 0.3
    """Median triangulation angle below which a pair has too little parallax for depth."""
    seed: int = 0
    """Of RANSAC."""


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


@dataclass(frozen=True)
class Epipolar:
    """F and the best homography of one pair in centred pixels of the searched pictures, F's number of
    inliers, and the share of them that the homography explains too. Of the `off_plane` matches, which the
    homography does not explain, `off_plane_inliers` are F's."""

    fundamental: Float[np.ndarray, "3 3"]
    inliers: int
    homography: Float[np.ndarray, "3 3"]
    homography_share: float
    off_plane: int
    off_plane_inliers: int


def estimate_epipolar(
    pixels_i: Float[np.ndarray, "n 2"], pixels_j: Float[np.ndarray, "n 2"], config: TwoViewConfig
) -> Epipolar | None:
    """None where too few matches agree. Pixels relative to the principal points."""
    if len(pixels_i) < config.min_inliers:
        return None
    found = pycolmap.estimate_fundamental_matrix(
        pixels_i, pixels_j, two_view_ransac_options(config.max_error_px, config.seed)
    )
    if found is None or found["num_inliers"] < config.min_inliers:
        return None
    plane = pycolmap.estimate_homography_matrix(
        pixels_i, pixels_j, two_view_ransac_options(config.max_error_px, config.seed)
    )
    inlier = np.asarray(found["inlier_mask"], dtype=bool)
    off_plane = ~np.asarray(plane["inlier_mask"], dtype=bool) if plane else np.ones(len(inlier), dtype=bool)
    return Epipolar(
        found["F"],
        found["num_inliers"],
        plane["H"] if plane else np.zeros((3, 3)),
        (plane["num_inliers"] if plane else 0) / found["num_inliers"],
        int(off_plane.sum()),
        int((off_plane & inlier).sum()),
    )


def two_view(
    matches: Correspondences,
    camera_i: Camera,
    camera_j: Camera,
    resolution: tuple[float, float],
    epipolar: Epipolar,
    config: TwoViewConfig,
    turned: bool = False,
) -> TwoView:
    """What the matches of a pair show, with known cameras (view pixels). `resolution`: searched pixels for
    each view pixel, of either view. `turned`: a turn explains it at some focal (see `pure_rotation.py`). Of a
    plane the essential matrix is taken too: a homography has two poses and no way to choose, where the few
    points off the plane do choose."""
    found = pycolmap.estimate_essential_matrix(
        matches.pixels_i * resolution[0],
        matches.pixels_j * resolution[1],
        pycolmap_camera(scale_camera(camera_i, resolution[0])),
        pycolmap_camera(scale_camera(camera_j, resolution[1])),
        two_view_ransac_options(config.max_error_px, config.seed),
    )
    if found is None or found["num_inliers"] < config.min_inliers:
        return UNRELATED
    rows = np.flatnonzero(found["inlier_mask"])
    kept = Correspondences(matches.pixels_i[rows], matches.pixels_j[rows], matches.weights[rows])
    pose = found["cam2_from_cam1"]
    j_from_i = rigid(pose.rotation.matrix(), np.asarray(pose.translation))
    if epipolar.homography_share < config.planar_share and not turned:
        return _judge(PairGeometry.GENERAL, j_from_i, kept, camera_i, camera_j, config)
    turn = _turn(kept, camera_i, camera_j, resolution[1], config)
    if turned or turn.explains:
        return _judge(PairGeometry.ROTATION_ONLY, turn.j_from_i, kept, camera_i, camera_j, config)
    return _judge(PairGeometry.PLANAR, j_from_i, kept, camera_i, camera_j, config)


@dataclass(frozen=True)
class _Turn:
    j_from_i: Rigid
    explains: bool


def _turn(
    matches: Correspondences, camera_i: Camera, camera_j: Camera, resolution_j: float, config: TwoViewConfig
) -> _Turn:
    """The rotation that explains most of the matches, and whether it alone does."""
    rays_i, rays_j = unit_rays(matches.pixels_i, camera_i), unit_rays(matches.pixels_j, camera_j)
    bound = config.max_error_px / resolution_j / camera_j.fx
    rotation, error, _ = fit_rotation(rays_i, rays_j, np.ones(len(matches)), bound)
    return _Turn(rigid(rotation, np.zeros(3)), bool(np.mean(error < bound) > config.turn_share))


def _judge(
    geometry: PairGeometry,
    j_from_i: Rigid,
    matches: Correspondences,
    camera_i: Camera,
    camera_j: Camera,
    config: TwoViewConfig,
) -> TwoView:
    """Depths of the inliers, and whether there is enough parallax to believe them."""
    ones = np.ones(len(matches))
    rays_i, rays_j = unproject(matches.pixels_i, ones, camera_i), unproject(matches.pixels_j, ones, camera_j)
    depth_i, depth_j = triangulate_depths(rays_i, rays_j, j_from_i)
    turned = rays_i @ j_from_i[:3, :3].T
    cosine = (turned * rays_j).sum(1) / np.linalg.norm(turned, axis=1) / np.linalg.norm(rays_j, axis=1)
    angle = float(np.median(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))))
    if geometry is not PairGeometry.ROTATION_ONLY and angle < config.min_angle_deg:
        geometry = PairGeometry.LOW_PARALLAX
    return TwoView(geometry, j_from_i, matches, depth_i, depth_j, angle)


def triangulate_depths(
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
