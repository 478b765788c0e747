"""One depth map brought to agree with the sparse points its view sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry.resampling import inside, sample_nearest
from dust3r_sfm.geometry.robust import geman_mcclure


@dataclass(frozen=True)
class DepthCorrectionConfig:
    """How a depth map is brought to agree with the track points its view sees, and when it is left alone."""

    min_tracks: int = 30
    """Fewer track points than this correct nothing: the aligned scale of the pair stands."""
    outlying: float = 0.3
    """log ratio of map and track depth, from the median one, beyond which a track lies on something else."""
    steps: int = 15
    """Rounds of re-weighting."""
    kernel: float = 3.0
    """Width of Geman and McClure's kernel, in median residuals."""
    min_inverse_share: float = 0.2
    """Of the least inverse depth that any track is corrected to: what the correction takes further away than
    that lies where no track vouches for it, and is unknown."""


def inverse_depth_correction(
    inverse_map: Float[np.ndarray, " t"],
    inverse_track: Float[np.ndarray, " t"],
    config: DepthCorrectionConfig,
) -> tuple[float, float]:
    """(a, b) of 1/z_track = a / z_map + b, re-weighted (Geman-McClure) on relative residuals.

    Two parameters are what an error of scale and one of baseline or calibration leave in 1/z.
    """
    design = np.stack([inverse_map, np.ones_like(inverse_map)], axis=-1) / inverse_track[:, None]
    weights = np.ones(len(inverse_map))
    solution = np.array([1.0, 0.0])
    for _ in range(config.steps):
        root = np.sqrt(weights)
        solution = np.linalg.lstsq(design * root[:, None], root, rcond=None)[0]
        residual = np.abs(design @ solution - 1.0)
        weights = geman_mcclure(residual / (config.kernel * np.median(residual) + 1e-9))
    return float(solution[0]), float(solution[1])


def correct_depth(
    depth: Float[np.ndarray, "h w"],
    pixels: Float[np.ndarray, "t 2"],
    track_depth: Float[np.ndarray, " t"],
    config: DepthCorrectionConfig,
) -> Float[np.ndarray, "h w"]:
    """`depth` (0: unknown) with the correction that the tracks at `pixels` ask for; unchanged if they are
    too few or ask for something that depths of this view cannot be."""
    height, width = depth.shape
    usable = inside(pixels, height, width) & (track_depth > 0)
    found, wanted = sample_nearest(depth, pixels[usable]).astype(np.float64), track_depth[usable]
    found, wanted = found[found > 0], wanted[found > 0]
    if len(found) < config.min_tracks:
        return depth
    ratio = np.log(wanted / found)
    near = np.abs(ratio - np.median(ratio)) < config.outlying
    if np.count_nonzero(near) < config.min_tracks:
        return depth
    a, b = inverse_depth_correction(1.0 / found[near], 1.0 / wanted[near], config)
    least = np.min(a / found[near] + b)
    if a <= 0 or least <= 0:
        return depth * float(np.exp(np.median(ratio)))
    known = depth > 0
    inverse = a / np.where(known, depth, 1.0) + b
    sensible = known & (inverse > config.min_inverse_share * least)
    return np.where(sensible, 1.0 / np.where(sensible, inverse, 1.0), 0.0).astype(depth.dtype)
