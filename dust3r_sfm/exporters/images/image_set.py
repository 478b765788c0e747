"""A scene as written images and a model of them: what every dataset for trainers is made of."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dust3r_sfm.exporters.config import ImageForm, Transfer
from dust3r_sfm.exporters.images.flat_names import flat_names
from dust3r_sfm.exporters.images.image_files import ImageFile, write_images
from dust3r_sfm.exporters.images.undistortion import Placement, image_pixels, placements
from dust3r_sfm.exporters.tracks.observations import drop_masked_observations, select_observations
from dust3r_sfm.exporters.tracks.originals import FilePixels, file_pixels
from dust3r_sfm.geometry.resampling import inside
from dust3r_sfm.types import Scene

NAMES_FILE = "names.json"


@dataclass(frozen=True)
class ImageSet:
    """`names` (flat), `placements` and `files.cameras` run parallel to the scene's views. The scene's
    tracks are those whose observations fall into the images and not onto a mask."""

    scene: Scene
    names: tuple[str, ...]
    placements: tuple[Placement, ...]
    files: FilePixels


def image_set(scene: Scene, form: ImageForm, min_observations: int = 2) -> ImageSet:
    """How the scene's photos are to be written, and the scene in their pixels. Writes nothing."""
    placed = placements(scene, form)
    scene = drop_masked_observations(scene, min_observations)
    scene = select_observations(scene, _within(scene, placed, _pixels(scene, placed)), min_observations)
    cameras = tuple(placement.camera for placement in placed)
    files = file_pixels(scene, cameras, scene.cam_from_world, _pixels(scene, placed))
    return ImageSet(scene, flat_names([view.name for view in scene.views]), placed, files)


def _pixels(scene: Scene, placed: tuple[Placement, ...]) -> np.ndarray:
    """Each observation in the pixels of its written image."""
    pixels = np.zeros((len(scene.tracks.view_index), 2))
    for view, placement in enumerate(placed):
        rows = scene.tracks.view_index == view
        seen = scene.tracks.pixels[rows].astype(np.float64)
        pixels[rows] = image_pixels(seen, scene.cameras[view], placement.camera)
    return pixels


def _within(scene: Scene, placed: tuple[Placement, ...], pixels: np.ndarray) -> np.ndarray:
    keep = np.zeros(len(pixels), dtype=bool)
    for view, placement in enumerate(placed):
        rows = scene.tracks.view_index == view
        keep[rows] = inside(pixels[rows], placement.camera.height, placement.camera.width)
    return keep


def write_image_set(images: ImageSet, folder: Path, transfer: Transfer) -> Iterator[ImageFile]:
    """Writes `images/` and `names.json` (image name -> name of the photo) into `folder`; yields each image
    when it is there."""
    parts = zip(images.names, images.scene.views, images.placements, strict=True)
    files = [ImageFile(name, view, placement) for name, view, placement in parts]
    folder.mkdir(parents=True, exist_ok=True)
    originals = {file.name: file.view.name for file in files}
    (folder / NAMES_FILE).write_text(json.dumps(originals, indent=1) + "\n", encoding="utf-8")
    yield from write_images(files, folder / "images", transfer)
