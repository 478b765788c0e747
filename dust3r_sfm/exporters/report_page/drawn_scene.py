"""A scene as the page draws it: few points of two bytes a coordinate, and a pyramid for each camera."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8, UInt16
from scipy.spatial import cKDTree

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.dense.upright import up_direction
from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.geometry import invert_rigid, transform_points, unproject
from dust3r_sfm.geometry.transforms import tangents
from dust3r_sfm.types import Camera, Scene

_STEPS = np.iinfo(np.uint16).max
_INSIDE = 90
"""Per cent of the points that lie within the scene's radius."""
_FRUSTUM_GAP, _SHORTEST, _LONGEST = 0.4, 0.03, 0.12
"""How long a camera is drawn: of the distance to the next one, and at least and at most, of the radius."""


@dataclass(frozen=True)
class Histogram:
    """Of the reprojection errors of a scene's observations, in pixels of the stored files."""

    edges: Float[np.ndarray, " b1"]
    """Where bars begin, and where the last one but for what is larger ends."""
    counts: tuple[int, ...]
    """Observations in each; the last has the larger ones too, and those that are not finite."""


@dataclass(frozen=True)
class DrawnScene:
    """In the page's frame: y up, z against the view of the cameras, the middle at 0, and the radius 1."""

    points: UInt16[np.ndarray, "n 3"]
    """0 is at -span, 65535 at span."""
    span: float
    """Half the side of the cube that `points` divide."""
    colors: UInt8[np.ndarray, "n 3"]
    """RGB of the points."""
    cloud_points: int
    """How many the whole cloud has."""
    cameras: Float[np.ndarray, "c 5 3"]
    """Of each view the camera's centre, and the corners of its image some way before it."""
    errors: Histogram
    """How well the tracks fit."""


def draw_scene(scene: Scene, cloud: PointCloud, max_points: int, config: ReportPageConfig) -> DrawnScene:
    """`max_points` of the cloud, chosen at random and always the same, but for what is far away."""
    chosen = np.sort(np.random.default_rng(0).permutation(len(cloud))[:max_points])
    xyz, rgb = cloud.xyz[chosen].astype(np.float64), cloud.rgb[chosen]
    finite = np.isfinite(xyz).all(axis=1)
    xyz, rgb = xyz[finite], rgb[finite]
    page_from_world = _page_from_world(scene, xyz)
    points = transform_points(page_from_world, xyz)
    near = (np.abs(points) <= config.far).all(axis=1)
    points = points[near]
    span = max(1.0, float(np.abs(points).max())) if len(points) else 1.0
    return DrawnScene(
        points=((points / span + 1) * (_STEPS / 2)).round().astype(np.uint16),
        span=span,
        colors=rgb[near],
        cloud_points=len(cloud),
        cameras=_draw_cameras(scene, page_from_world),
        errors=_error_histogram(originals_of(scene).errors_px, config),
    )


def _page_from_world(scene: Scene, xyz: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "4 4"]:
    """A similarity. Up is what the scene's report says, else what is up in most photos."""
    axes = scene.cam_from_world[:, :3, :3]
    up = up_direction(scene)
    if up is None:
        up = _unit(-axes[:, 1].sum(axis=0), -axes[0, 1])
    back = -axes[:, 2].sum(axis=0)
    # Cameras that look straight down have no front.
    right = _unit(np.cross(up, back), tangents(up)[0])
    rotation = np.stack([right, up, np.cross(right, up)])
    centres = invert_rigid(scene.cam_from_world)[:, :3, 3]
    middle = np.median(xyz if len(xyz) else centres, axis=0)
    away = np.linalg.norm(xyz - middle, axis=1)
    # Not the farthest camera's distance: a single one from far away would make all else small.
    radius = float(np.median(np.linalg.norm(centres - middle, axis=1)))
    if len(away):
        radius = max(radius, float(np.percentile(away, _INSIDE)))
    scale = 1.0 / radius if radius > 0 else 1.0
    page_from_world = np.eye(4)
    page_from_world[:3, :3] = scale * rotation
    page_from_world[:3, 3] = -scale * rotation @ middle
    return page_from_world


def _unit(vector: Float[np.ndarray, "3"], otherwise: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Of length 1; the other one, which is, where this is next to nothing, as of cameras all around."""
    length = np.linalg.norm(vector)
    return vector / length if length > 1e-6 else otherwise


def _draw_cameras(scene: Scene, page_from_world: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "c 5 3"]:
    in_world = np.stack(
        [
            transform_points(world_from_cam, _pyramid(camera))
            for camera, world_from_cam in zip(scene.cameras, invert_rigid(scene.cam_from_world), strict=True)
        ]
    )
    centres = transform_points(page_from_world, in_world[:, 0])
    corners = (in_world[:, 1:] - in_world[:, :1]) @ page_from_world[:3, :3].T
    # The pyramid's edges are brought to one length for all cameras, as a long lens would be drawn long.
    edges = np.linalg.norm(corners, axis=2).mean(axis=1)
    scaled = corners * (_frustum_length(centres) / edges)[:, None, None]
    return np.concatenate([centres[:, None], centres[:, None] + scaled], axis=1)


def _pyramid(camera: Camera) -> Float[np.ndarray, "5 3"]:
    """Centre and corners at z = 1; a corner whose ray the lens does not have is on the axis."""
    w, h = float(camera.width), float(camera.height)
    corners = unproject(np.array([[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]]), np.ones(4), camera)
    corners = np.where(np.isfinite(corners).all(axis=1, keepdims=True), corners, [0.0, 0.0, 1.0])
    return np.concatenate([np.zeros((1, 3)), corners])


def _frustum_length(centres: Float[np.ndarray, "c 3"]) -> float:
    if len(centres) < 2:
        return _LONGEST
    distances, _ = cKDTree(centres).query(centres, k=2)
    return float(np.clip(_FRUSTUM_GAP * np.median(distances[:, 1]), _SHORTEST, _LONGEST))


def _error_histogram(errors_px: Float[np.ndarray, " o"], config: ReportPageConfig) -> Histogram:
    finite = errors_px[np.isfinite(errors_px)]
    if not len(finite):
        return Histogram(np.zeros(1), ())
    most = float(np.quantile(finite, config.histogram_share)) or 1.0
    edges = np.linspace(0.0, most, config.histogram_bins + 1)
    bars = np.clip(np.searchsorted(edges, errors_px, side="right") - 1, 0, config.histogram_bins - 1)
    counts = np.bincount(bars, minlength=config.histogram_bins)
    return Histogram(edges, tuple(counts.tolist()))
