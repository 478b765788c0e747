"""The picture in the README: `python examples/readme_picture.py example/out PICTURE.jpg`.

Photos, their depth, and the cloud with the cameras seen from above, all out of one reconstruction.
"""

import sys
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from dust3r_sfm import Camera, Scene, load_scene
from dust3r_sfm.dense import dense_points
from dust3r_sfm.exporters import depth_picture
from dust3r_sfm.geometry import invert_rigid, project, rigid, transform_points, unproject
from dust3r_sfm.types import Rigid

THUMBNAIL, GAP, CAPTION = (204, 153), 6, 26
PAPER, INK, ACCENT = (255, 255, 255), (40, 44, 52), (226, 84, 22)
OVERSAMPLED = 2
HEADROOM = 0.3
"""Points higher above the cameras than this share of the typical depth are left out: the ceiling."""
EDGES = ((0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 1))


def main(folder: Path, picture: Path) -> None:
    scene = load_scene(folder)
    chosen = np.linspace(0, len(scene.views) - 1, 4).round().astype(int)
    photos = [Image.fromarray(scene.views[index].image) for index in chosen]
    depths = [depth_picture(scene.depth[index]).convert("RGB") for index in chosen]
    side = 2 * THUMBNAIL[1] + GAP
    panels = {
        "photos": _grid(photos),
        "depth": _grid(depths),
        "cloud and cameras": _from_above(scene, side * 3 // 2, side),
    }
    _beside(panels).save(picture, quality=88)


def _grid(pictures: list[Image.Image]) -> Image.Image:
    """Two rows of two."""
    width, height = THUMBNAIL
    sheet = Image.new("RGB", (2 * width + GAP, 2 * height + GAP), PAPER)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, 2)
        small = picture.resize(THUMBNAIL, Image.Resampling.LANCZOS)
        sheet.paste(small, (column * (width + GAP), row * (height + GAP)))
    return sheet


def _beside(panels: dict[str, Image.Image]) -> Image.Image:
    width = sum(panel.width for panel in panels.values()) + 3 * GAP * (len(panels) - 1)
    height = max(panel.height for panel in panels.values()) + CAPTION
    sheet = Image.new("RGB", (width, height), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    left = 0
    for caption, panel in panels.items():
        sheet.paste(panel, (left, CAPTION))
        draw.text((left + panel.width / 2, CAPTION / 2), caption, INK, font, anchor="mm")
        left += panel.width + 3 * GAP
    return sheet


def _from_above(scene: Scene, width: int, height: int) -> Image.Image:
    """The confident points, the nearest in front, and a pyramid for each camera."""
    size = width * OVERSAMPLED, height * OVERSAMPLED
    camera = Camera.pinhole(*size, 1.75 * size[1], 1.75 * size[1], size[0] / 2, size[1] / 2)
    cloud = dense_points(scene, max_points=2_000_000, min_confidence=2.0)
    eye_from_world, typical = _bird(scene)
    kept = _height(scene, cloud.xyz) < HEADROOM * typical
    pixels_of = _draw_points(transform_points(eye_from_world, cloud.xyz[kept]), cloud.rgb[kept], camera)
    sheet = Image.fromarray(pixels_of)
    draw = ImageDraw.Draw(sheet)
    for own, cam_from_world in zip(scene.cameras, scene.cam_from_world, strict=True):
        world_from_cam = invert_rigid(cam_from_world)
        corners = transform_points(eye_from_world @ world_from_cam, _pyramid(own, 0.09 * typical))
        points = project(corners, camera)
        for start, end in EDGES:
            draw.line([*points[start], *points[end]], ACCENT, width=3)
    return sheet.resize((width, height), Image.Resampling.LANCZOS)


def _up(scene: Scene) -> Float[np.ndarray, "3"]:
    """Against the mean of the cameras' y axes, as people hold cameras upright."""
    down = scene.cam_from_world[:, 1, :3].mean(axis=0)
    return -down / np.linalg.norm(down)


def _centres(scene: Scene) -> Float[np.ndarray, "n 3"]:
    return invert_rigid(scene.cam_from_world)[:, :3, 3]


def _height(scene: Scene, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Above the mean camera."""
    return (points - _centres(scene).mean(axis=0)) @ _up(scene)


def _bird(scene: Scene) -> tuple[Rigid, float]:
    """A camera high behind the photographers, looking at what they look at; and the typical depth."""
    typical = float(np.median([np.median(depth[depth > 0]) for depth in scene.depth]))
    up, middle = _up(scene), _centres(scene).mean(axis=0)
    ahead = scene.cam_from_world[:, 2, :3].mean(axis=0)
    ahead -= (ahead @ up) * up
    ahead /= np.linalg.norm(ahead)
    eye = middle - 1.0 * typical * ahead + 1.3 * typical * up
    target = middle + 0.75 * typical * ahead - 0.2 * typical * up
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, up) / np.linalg.norm(np.cross(z, up))
    rotation = np.stack([x, np.cross(z, x), z])
    return rigid(rotation, -rotation @ eye), typical


def _draw_points(points: Float[np.ndarray, "n 3"], rgb: np.ndarray, camera: Camera) -> np.ndarray:
    """Dots of 3 x 3 pixels, far ones first so that near ones cover them."""
    order = np.argsort(-points[:, 2])
    column, row = np.floor(project(points[order], camera)).astype(int).T
    colors = rgb[order]
    image = np.full((camera.height, camera.width, 3), PAPER, dtype=np.uint8)
    # NumPy writes repeated indices in order, so the last, the nearest, stays; offsets go within each dot.
    offset = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    rows, columns = row[:, None] + offset[:, 0], column[:, None] + offset[:, 1]
    within = (rows >= 0) & (rows < camera.height) & (columns >= 0) & (columns < camera.width)
    image[rows[within], columns[within]] = np.repeat(colors[:, None], len(offset), axis=1)[within]
    return image


def _pyramid(camera: Camera, depth: float) -> Float[np.ndarray, "5 3"]:
    """The camera's centre and its image's corners at `depth`."""
    w, h = float(camera.width), float(camera.height)
    corners = np.array([[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]])
    return np.concatenate([np.zeros((1, 3)), unproject(corners, np.full(4, depth), camera)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
