"""What two photos tell: `python examples/two_images.py PHOTO PHOTO OUT [--regressor dust3r]`.

Writes depth and confidence of both (npz and png), matches.png with the matches drawn on them, and
pair.glb: both pointmaps and both cameras, for any viewer.
"""

import colorsys
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float
from PIL import Image, ImageDraw
from tyro.conf import Positional

from dust3r_sfm import NetworkRegressor, NetworkRegressorConfig, StereoRegressor, View, load_views
from dust3r_sfm.dense import dense_points
from dust3r_sfm.exporters import export_depth_maps, export_glb
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.pairwise import RelativeCamera, pair_scene, predict_pair, relative_camera
from dust3r_sfm.regressors import PointmapRegressor
from dust3r_sfm.types import Correspondences

PAPER, INK = (255, 255, 255), (0, 0, 0)
ENLARGED, GAP, DOT = 2, 16, 5
CONFIDENT = 2.0
"""Points of pair.glb are at least this confident (1 knows nothing)."""
SHOWN = 80
"""Matches that are drawn: with all of them nothing can be seen."""


def main(
    photo_i: Positional[Path], photo_j: Positional[Path], out: Positional[Path], regressor: str = "stereo"
) -> None:
    """Depth, confidence, matches and a model of two photos.

    Args:
        photo_i: The photo in whose camera's frame the model is.
        photo_j: Another one that overlaps it.
        out: Folder for the results.
        regressor: stereo, or a network: a name (see `dust3r-sfm models`) or a path.
    """
    chosen = build_regressor(regressor)
    view_i, view_j = load_views([photo_i, photo_j], chosen.image_spec).views
    pair = predict_pair(view_i, view_j, chosen)
    relative = relative_camera(pair)
    scene = pair_scene(pair, relative)
    export_depth_maps(scene, out)
    export_glb(scene, dense_points(scene, min_confidence=CONFIDENT), out / "pair.glb")
    draw_matches(view_i, view_j, relative.matches).save(out / "matches.png")
    print(summary(relative))


def build_regressor(name: str) -> PointmapRegressor:
    if name == "stereo":
        return StereoRegressor()
    return NetworkRegressor(NetworkRegressorConfig(name))


def summary(relative: RelativeCamera) -> str:
    turn = rotation_angle_deg(relative.j_from_i[:3, :3])
    return (
        f"focals {relative.camera_i.fx:.0f} and {relative.camera_j.fx:.0f} px, turned by {turn:.1f} degrees, "
        f"{len(relative.matches)} matches, {relative.inlier_share:.0%} of the points fit"
    )


def draw_matches(view_i: View, view_j: View, matches: Correspondences) -> Image.Image:
    """Both photos side by side, and some matches in colours that say where in the first they are."""
    photos = [Image.fromarray(view.image) for view in (view_i, view_j)]
    large = [photo.resize((ENLARGED * photo.width, ENLARGED * photo.height)) for photo in photos]
    left = large[0].width + GAP
    sheet = Image.new("RGB", (left + large[1].width, max(photo.height for photo in large)), PAPER)
    sheet.paste(large[0], (0, 0))
    sheet.paste(large[1], (left, 0))
    draw = ImageDraw.Draw(sheet)
    for row in spread_rows(matches.pixels_i):
        start, end = ENLARGED * matches.pixels_i[row], ENLARGED * matches.pixels_j[row] + [left, 0]
        color = color_at(matches.pixels_i[row] / view_i.size)
        draw.line([*start, *end], color, width=2)
        for place in (start, end):
            draw.ellipse([*(place - DOT), *(place + DOT)], color, outline=INK)
    return sheet


def spread_rows(pixels: Float[np.ndarray, "n 2"]) -> list[int]:
    """Each time the match that is furthest from all chosen before."""
    chosen: list[int] = []
    distance = np.full(len(pixels), np.inf)
    for _ in range(min(SHOWN, len(pixels))):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(pixels - pixels[chosen[-1]], axis=1))
    return chosen


def color_at(place: Float[np.ndarray, "2"]) -> tuple[int, int, int]:
    """Hue from left to right, lighter towards the bottom; `place` from 0 to 1."""
    red, green, blue = colorsys.hls_to_rgb(0.85 * place[0], 0.4 + 0.25 * place[1], 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


if __name__ == "__main__":
    tyro.cli(main)
