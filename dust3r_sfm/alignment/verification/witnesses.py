"""Which pairs of photos witness each other's place: whose matches lie where the scene's cameras have them.

A pair's own two-view geometry always fits its own matches. Here it is asked of the finished scene: of the
matches that fit some epipolar geometry, how many fit the one that all pairs together gave these cameras?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.epipolar import epipolar_errors
from dust3r_sfm.types import Camera, Correspondences, Pair, Rigid


@dataclass(frozen=True)
class WitnessConfig:
    """When a pair of a scene counts as a witness of its cameras, and when as one against them."""

    max_error: float = 0.004
    """Distance of a match from its epipolar line, over the long edge of the view (2 pixels of 512): what
    features of one pixel at 1600 leave, with the cameras' own error on top."""
    min_matches: int = 20
    """Agreeing matches of a witness. Random pairs of photos with some hundred tentative matches give up to 15
    that fit one epipolar geometry (COLMAP's bound for a pair); more where textures repeat."""
    min_share: float = 0.7
    """Agreeing matches of a witness over those that fit the pair's own epipolar geometry. A pair that saw the
    same things keeps nearly all of them under the right cameras; a mistaken one those near the wrong lines
    by chance."""
    cells: int = 8
    """Photos are divided into so many cells along the long edge to see how far matches spread."""
    min_cells: int = 8
    """Cells that a witness's agreeing matches lie in, in either photo: matches on one small thing fix no pose
    however many they are. (With four, pairs past a corner that saw the same sixth of their width bent a scene
    by 7 degrees, with errors of a fifth of a pixel.)"""
    min_cells_beside_depth: int = 4
    """The same between photos whose depth is known anyway, as networks know it."""


@dataclass(frozen=True)
class Witness:
    """What the matches of one unordered pair (row numbers of the scene's views, i < j) say of its cameras:
    `agreeing` of `matches` lie on their epipolar lines. `supports`: it is a witness for both."""

    i: int
    j: int
    matches: int
    agreeing: int
    supports: bool


def pair_witnesses(
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    correspondences: Mapping[Pair, Correspondences],
    config: WitnessConfig,
) -> tuple[Witness, ...]:
    """Of every pair of views (numbered as the cameras) with matches, each unordered pair once."""
    out = []
    for pair, found in sorted(correspondences.items()):
        if (pair.i > pair.j and pair.swap() in correspondences) or not len(found):
            continue
        j_from_i = cam_from_world[pair.j] @ invert_rigid(cam_from_world[pair.i])
        agree = agreeing_matches(found, cameras[pair.i], cameras[pair.j], j_from_i, config)
        out.append(_witness(pair, found, agree, (cameras[pair.i], cameras[pair.j]), config))
    return tuple(out)


def agreeing_matches(
    found: Correspondences, camera_i: Camera, camera_j: Camera, j_from_i: Rigid, config: WitnessConfig
) -> Bool[np.ndarray, " n"]:
    """Which matches lie on their epipolar lines in both views."""
    there = epipolar_errors(found, camera_i, camera_j, j_from_i) / max(camera_j.width, camera_j.height)
    back = epipolar_errors(found.swap(), camera_j, camera_i, invert_rigid(j_from_i))
    back /= max(camera_i.width, camera_i.height)
    return np.maximum(there, back) < config.max_error


def _witness(
    pair: Pair,
    found: Correspondences,
    agree: Bool[np.ndarray, " n"],
    cameras: tuple[Camera, Camera],
    config: WitnessConfig,
) -> Witness:
    matches, agreeing = len(found), int(np.count_nonzero(agree))
    spread = min(
        num_cells(pixels[agree], camera, config.cells)
        for pixels, camera in zip((found.pixels_i, found.pixels_j), cameras, strict=True)
    )
    enough = agreeing >= config.min_matches and spread >= config.min_cells
    return Witness(
        min(pair.i, pair.j),
        max(pair.i, pair.j),
        matches,
        agreeing,
        enough and agreeing >= config.min_share * matches,
    )


def num_cells(pixels: Float[np.ndarray, "n 2"], camera: Camera, cells: int) -> int:
    """How many square cells, `cells` along the long edge, hold one of the pixels."""
    side = max(camera.width, camera.height) / cells
    where: Int[np.ndarray, "n 2"] = np.floor(pixels / side).astype(np.int64)
    return len(np.unique(where, axis=0))
