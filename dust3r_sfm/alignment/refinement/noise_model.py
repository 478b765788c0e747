"""How wrong a pair's points of view j may be, and in which direction.

A regressor places X in camera i's frame: it errs along the ray from i by a share of the distance, and far
less across it. What X is compared with, the view's consensus Y, errs along the ray of its pixel in j.
So the difference has covariance

    A (1 - r_i r_i^T) + L r_i r_i^T + B r_j r_j^T,    A = (a |YI|)^2, L = (l |YI|)^2, B = (b |YJ|)^2

with r the unit rays to Y from both cameras I and J, and a (across), l (along), b (consensus) relative.
Across the epipolar plane only A is left: that is the pair's epipolar geometry, as sharp as the regressor
knows directions, however little it knows of depth.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.alignment.refinement.residuals import EdgeCameras, cross, dot, points_on_rays
from dust3r_sfm.geometry.robust import deviation

LEAST_SINE = 1e-6


@dataclass(frozen=True)
class EpipolarFrames:
    """For each sample, unit vectors in camera j: the `ray` to Y, `beside` it in the epipolar plane (towards
    where camera i looks from), and the `normal` of that plane. `cosine` and `sine` of the angle between both
    rays; `reach` |YI| and `distance` |YJ| in world units."""

    ray: Float[np.ndarray, "e 3 m"]
    beside: Float[np.ndarray, "e 3 m"]
    normal: Float[np.ndarray, "e 3 m"]
    cosine: Float[np.ndarray, "e m"]
    sine: Float[np.ndarray, "e m"]
    reach: Float[np.ndarray, "e m"]
    distance: Float[np.ndarray, "e m"]


def epipolar_frames(
    cameras: EdgeCameras, pixels_j: Float[np.ndarray, "e 2 m"], depth_j: Float[np.ndarray, "e m"]
) -> EpipolarFrames:
    """Where both rays are parallel any plane through them serves."""
    point = points_on_rays(pixels_j, depth_j, cameras.focal_j, cameras.centre_j)
    ray, distance = _unit(point)
    other, reach = _unit(point - cameras.translation[..., None])
    cosine = dot(ray, other)
    other -= cosine[:, None] * ray
    sine = np.sqrt(dot(other, other))
    parallel = sine <= LEAST_SINE
    if parallel.any():
        any_across = np.stack([-ray[:, 2], np.zeros_like(sine), ray[:, 0]], axis=1)
        other = np.where(parallel[:, None], any_across, other)
    beside, _ = _unit(other)
    return EpipolarFrames(ray, beside, cross(ray, beside), cosine, sine, reach, distance)


def _unit(
    vectors: Float[np.ndarray, "e 3 m"],
) -> tuple[Float[np.ndarray, "e 3 m"], Float[np.ndarray, "e m"]]:
    length = np.maximum(np.sqrt(dot(vectors, vectors)), 1e-12)
    return vectors / length[:, None], length


@dataclass(frozen=True)
class PointNoise:
    """Relative standard deviations a, l and b."""

    across: float
    along: float
    consensus: float


Rows = tuple[Float[np.ndarray, "e 3 m"], Float[np.ndarray, "e 3 m"], Float[np.ndarray, "e 3 m"]]
"""Directions in which a difference of points is looked at, in camera j's frame."""


def sqrt_information_rows(frames: EpipolarFrames, noise: PointNoise, shared: Bool[np.ndarray, "e m"]) -> Rows:
    """W with W^T W the inverse covariance; rows: across the epipolar plane, across the ray of j in it, and
    along that ray, which says nothing (0) where Y is not `shared` by other pairs."""
    small = (noise.across * frames.reach) ** 2
    excess = (noise.along * frames.reach) ** 2 - small
    beside = small + excess * frames.sine**2
    mixed = excess * frames.sine * frames.cosine / beside
    ray = small + excess * frames.cosine**2 + (noise.consensus * frames.distance) ** 2 - mixed**2 * beside
    along_weight = np.where(shared, 1.0 / np.sqrt(np.maximum(ray, 0.1 * small)), 0.0)
    return (
        frames.normal / np.sqrt(small)[:, None],
        frames.beside / np.sqrt(beside)[:, None],
        (frames.ray - mixed[:, None] * frames.beside) * along_weight[:, None],
    )


def noise_scale_rows(frames: EpipolarFrames) -> Rows:
    """Rows that show a, l and b one by one, for `point_noise`: across the epipolar plane over |YI|; in it
    across the ray of j, over |YI| sin; in it across the ray of i, over |YJ| sin."""
    sine = np.maximum(frames.sine, LEAST_SINE)
    other = frames.cosine[:, None] * frames.beside - frames.sine[:, None] * frames.ray
    return (
        frames.normal / frames.reach[:, None],
        frames.beside / (frames.reach * sine)[:, None],
        other / (frames.distance * sine)[:, None],
    )


def point_noise(
    shown: Float[np.ndarray, "n 3"],
    sine: Float[np.ndarray, " n"],
    ratio: Float[np.ndarray, " n"],
    least: float,
) -> PointNoise:
    """From residuals in the rows of `noise_scale_rows` (NaN where unknown), robustly, in the half with the
    larger angles between rays. `ratio` is |YI| / |YJ|. No standard deviation is below `least`."""
    known = np.isfinite(shown).all(axis=-1)
    if not known.any():
        return PointNoise(least, least, least)
    across = max(deviation(shown[known, 0]), least)
    wide = known & (sine >= np.median(sine[known])) & (sine > LEAST_SINE)
    if not wide.any():
        return PointNoise(across, across, across)
    cotangent = np.median(1.0 / sine[wide] ** 2 - 1.0)
    along = deviation(shown[wide, 1]) ** 2 - across**2 * cotangent
    inverse = np.median((ratio[wide] / sine[wide]) ** 2)
    consensus = deviation(shown[wide, 2]) ** 2 - across**2 * inverse
    return PointNoise(across, float(np.sqrt(max(along, across**2))), float(np.sqrt(max(consensus, least**2))))
