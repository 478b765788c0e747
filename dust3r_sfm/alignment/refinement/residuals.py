"""What a pair's points and matches should agree with, as residuals with analytic Jacobians.

A point Z = s X of edge e in camera i's frame is P = R Z + t in camera j's. Poses enter through [R | t]
alone, so residuals are derived by its increment [R | t] <- exp(xi) [R | t] with xi = (omega, v), and by
sums on logs: PARAMETERS in order xi (6), log f_i, log f_j, mu_j, log s, where mu is the log depth scale of a
view. `edge_blocks.py` turns these into derivatives by both poses.

Vectors stand with their components before the samples: arrays are then swept along the samples.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FOCAL_I, FOCAL_J, DEPTH_J, SCALE = 6, 7, 8, 9
PARAMETERS = 10
BEHIND_PX = 1e4
"""Residual of a match behind the camera, with no gradient."""


@dataclass(frozen=True)
class EdgeCameras:
    """What an edge's residuals depend on, one row an edge; the relative pose in world units."""

    rotation: Float[np.ndarray, "e 3 3"]
    translation: Float[np.ndarray, "e 3"]
    focal_i: Float[np.ndarray, " e"]
    focal_j: Float[np.ndarray, " e"]
    centre_i: Float[np.ndarray, "e 2"]
    centre_j: Float[np.ndarray, "e 2"]
    scale: Float[np.ndarray, " e"]
    depth_scale_j: Float[np.ndarray, " e"]


def points_on_rays(
    pixels: Float[np.ndarray, "e 2 m"],
    depth: Float[np.ndarray, "e m"],
    focal: Float[np.ndarray, " e"],
    centre: Float[np.ndarray, "e 2"],
) -> Float[np.ndarray, "e 3 m"]:
    """Points at z = depth on the rays of pixels, in the camera's frame."""
    out = np.empty((len(pixels), 3, pixels.shape[2]))
    np.subtract(pixels, centre[..., None], out=out[:, :2])
    out[:, :2] *= (depth / focal[:, None])[:, None]
    out[:, 2] = depth
    return out


def cross(a: Float[np.ndarray, "e 3 m"], b: Float[np.ndarray, "e 3 m"]) -> Float[np.ndarray, "e 3 m"]:
    out = np.empty_like(b)
    for k in range(3):
        first, second = (k + 1) % 3, (k + 2) % 3
        np.multiply(a[:, first], b[:, second], out=out[:, k])
        out[:, k] -= a[:, second] * b[:, first]
    return out


def dot(a: Float[np.ndarray, "e k m"], b: Float[np.ndarray, "e k m"]) -> Float[np.ndarray, "e m"]:
    out = a[:, 0] * b[:, 0]
    for k in range(1, a.shape[1]):
        out += a[:, k] * b[:, k]
    return out


@dataclass(frozen=True)
class Matches:
    """Pixels of i and j that show the same, and the pair's own depth of those of i."""

    pixels_i: Float[np.ndarray, "e 2 m"]
    depth_i: Float[np.ndarray, "e m"]
    pixels_j: Float[np.ndarray, "e 2 m"]


@dataclass(frozen=True)
class Reprojections:
    """Where matches of i fall in view j at the pair's own depths along rays of the current focal:
    `points` Z in camera i, `seen` P in camera j, `inverse` 1 / P_z (0 behind the camera), and `offset` from
    the principal point and `residual` in pixels."""

    points: Float[np.ndarray, "e 3 m"]
    seen: Float[np.ndarray, "e 3 m"]
    inverse: Float[np.ndarray, "e m"]
    offset: Float[np.ndarray, "e 2 m"]
    residual: Float[np.ndarray, "e 2 m"]


def reproject_matches(cameras: EdgeCameras, matches: Matches) -> Reprojections:
    depth = cameras.scale[:, None] * matches.depth_i
    points = points_on_rays(matches.pixels_i, depth, cameras.focal_i, cameras.centre_i)
    seen = cameras.rotation @ points + cameras.translation[..., None]
    front = seen[:, 2] > 1e-6
    inverse = np.where(front, 1.0 / np.where(front, seen[:, 2], 1.0), 0.0)
    offset = (cameras.focal_j[:, None] * inverse)[:, None] * seen[:, :2]
    residual = np.where(front[:, None], offset + cameras.centre_j[..., None] - matches.pixels_j, BEHIND_PX)
    return Reprojections(points, seen, inverse, offset, residual)


def derivative_by_log_scale(cameras: EdgeCameras, found: Reprojections) -> Float[np.ndarray, "e 2 m"]:
    """Derivative of `residual` by log s: the epipolar line's direction, and how far a point runs on it."""
    by_scale = found.seen - cameras.translation[..., None]
    slope = found.offset * by_scale[:, 2:]
    return (cameras.focal_j[:, None, None] * by_scale[:, :2] - slope) * found.inverse[:, None]


def match_row(
    cameras: EdgeCameras,
    found: Reprojections,
    direction: Float[np.ndarray, "e 2 m"],
    out: Float[np.ndarray, "e 11 m"],
) -> None:
    """Writes the Jacobian of `direction` . residual, and behind it that residual itself, to `out`."""
    by_seen = np.empty_like(found.seen)
    by_seen[:, :2] = direction * (cameras.focal_j[:, None] * found.inverse)[:, None]
    along = dot(direction, found.offset)
    by_seen[:, 2] = -along * found.inverse
    _pose_columns(by_seen, found.seen, out)
    by_point = np.swapaxes(cameras.rotation, -1, -2)[:, :2] @ by_seen
    out[:, FOCAL_I] = -dot(by_point, found.points[:, :2])
    out[:, FOCAL_J] = along
    out[:, DEPTH_J] = 0.0
    out[:, SCALE] = dot(by_seen, found.seen - cameras.translation[..., None])
    out[:, PARAMETERS] = dot(direction, found.residual)


@dataclass(frozen=True)
class ComparedPoints:
    """A pair's own points P in camera j, and Y, where its view's consensus has them, in world units."""

    seen: Float[np.ndarray, "e 3 m"]
    target: Float[np.ndarray, "e 3 m"]


def compare_points(
    cameras: EdgeCameras,
    points: Float[np.ndarray, "e 3 m"],
    pixels_j: Float[np.ndarray, "e 2 m"],
    depth_j: Float[np.ndarray, "e m"],
) -> ComparedPoints:
    """Y is at the view's consensus depth e^mu D on the ray of its pixel."""
    depth = cameras.depth_scale_j[:, None] * depth_j
    turned = (cameras.scale[:, None, None] * cameras.rotation) @ points
    turned += cameras.translation[..., None]
    return ComparedPoints(turned, points_on_rays(pixels_j, depth, cameras.focal_j, cameras.centre_j))


def point_row(
    cameras: EdgeCameras,
    found: ComparedPoints,
    direction: Float[np.ndarray, "e 3 m"],
    out: Float[np.ndarray, "e 11 m"],
) -> None:
    """Writes the Jacobian of `direction` . (P - Y) / s, and behind it that residual itself, to `out`.

    Residuals against a (nearly) noise-free Y in a fixed frame have no bias from the noise of X, which
    reprojections of X have: their Jacobians share its noise. Dividing by s keeps scales from shrinking to
    please the noise.
    """
    by_seen = direction / cameras.scale[:, None, None]
    _pose_columns(by_seen, found.seen, out)
    across = dot(by_seen[:, :2], found.target[:, :2])
    to_target = across + by_seen[:, 2] * found.target[:, 2]
    out[:, FOCAL_I] = 0.0
    out[:, FOCAL_J] = across
    out[:, DEPTH_J] = -to_target
    out[:, SCALE] = to_target - (cameras.translation[:, None] @ by_seen)[:, 0]
    out[:, PARAMETERS] = dot(by_seen, found.seen) - to_target


def _pose_columns(
    by_seen: Float[np.ndarray, "e 3 m"], seen: Float[np.ndarray, "e 3 m"], out: Float[np.ndarray, "e 11 m"]
) -> None:
    """For a residual whose derivative by P is `by_seen`."""
    out[:, 0:3] = cross(seen, by_seen)
    out[:, 3:6] = by_seen
