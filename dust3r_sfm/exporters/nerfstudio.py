"""The folder that `ns-process-data` would write: what nerfstudio's data parsers and their kin read."""

import json
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float
from PIL import Image

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.exporters.colmap import write_model
from dust3r_sfm.exporters.config import NerfstudioExport
from dust3r_sfm.exporters.images.image_files import ImageFile, place_file, save_image
from dust3r_sfm.exporters.images.image_maps import depth_camera, depth_image, mask_image
from dust3r_sfm.exporters.images.image_set import ImageSet, image_set, write_image_set
from dust3r_sfm.exporters.nerfstudio_transforms import applied_transform, has_masks, transforms, with_suffix
from dust3r_sfm.exporters.point_cloud import export_point_cloud
from dust3r_sfm.geometry import transform_points
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene

DEPTH_UNIT = 1e-3
"""World units of 1 in a depth file: the `depth_unit_scale_factor` that nerfstudio assumes."""


def export_nerfstudio(
    scene: Scene, folder: Path, config: NerfstudioExport | None = None, progress: Progress | None = None
) -> None:
    """Writes transforms.json, sparse_pc.ply, images/ and images_2, ..., masks/ and depths/ with theirs,
    colmap/sparse/0, the same in sparse/0, and names.json.

    Poses are OpenGL's, in a world turned by `applied_transform` against that of the model: z is up. Masks are
    written if any view has one. Depth files are .npy, and 16-bit .png, of z in thousandths of a world unit,
    0 unknown. Raises InputError for photos that are gone.
    """
    config, progress = config or NerfstudioExport(), progress or Silent()
    images = image_set(scene, config.form, config.model.min_observations)
    for place in (folder / "colmap" / "sparse" / "0", folder / "sparse" / "0"):
        model = write_model(images.scene, images.files, images.names, place, config.model)
    export_point_cloud(turn_points(model, applied_transform(scene)), folder / "sparse_pc.ply")
    progress.start("Writing images", len(images.names), "images")
    for index, file in enumerate(write_image_set(images, folder, config.transfer)):
        with Image.open(folder / "images" / file.name) as image:
            _write_smaller(image, folder, "images", file.name, config.downscales)
        _write_maps(images, index, file, folder, config)
        progress.advance()
    text = json.dumps(transforms(images, config.depth), indent=2, allow_nan=False)
    (folder / "transforms.json").write_text(text + "\n", encoding="utf-8")


def turn_points(model: pycolmap.Reconstruction, applied: Float[np.ndarray, "4 4"]) -> PointCloud:
    """The points of a model in nerfstudio's world, to which `applied` takes them."""
    points = [point for _, point in sorted(model.points3D.items())]
    xyz = np.array([point.xyz for point in points]).reshape(-1, 3)
    rgb = np.array([point.color for point in points], dtype=np.uint8).reshape(-1, 3)
    return PointCloud(transform_points(applied, xyz), rgb, np.ones(len(points)))


def _write_smaller(image: Image.Image, folder: Path, kind: str, name: str, downscales: int) -> None:
    """The 2, 4, ... times smaller copies of an image. nerfstudio divides cameras by that number and rounds
    sizes down, so the last odd row and column are cut off rather than squeezed in."""
    for factor in _factors(downscales):
        width, height = image.width // factor, image.height // factor
        if min(width, height) < 1:
            return
        target = folder / f"{kind}_{factor}"
        target.mkdir(exist_ok=True)
        smaller = image.crop((0, 0, width * factor, height * factor)).reduce(factor)
        if kind == "masks":
            # Blocks that are masked in part are masked.
            smaller = Image.fromarray((np.asarray(smaller) == 255).astype(np.uint8) * 255)
        save_image(smaller, target / name)


def _factors(downscales: int) -> list[int]:
    return [2**power for power in range(1, downscales + 1)]


def _write_maps(
    images: ImageSet, index: int, file: ImageFile, folder: Path, config: NerfstudioExport
) -> None:
    scene = images.scene
    if has_masks(scene):
        mask = mask_image(scene.views[index], scene.cameras[index], file.placement.camera)
        (folder / "masks").mkdir(exist_ok=True)
        name = with_suffix(file.name, ".png")
        save_image(mask, folder / "masks" / name)
        _write_smaller(mask, folder, "masks", name, config.downscales)
    if config.depth:
        depth = depth_image(scene, index, depth_camera(file.placement), config.min_confidence)
        _write_depth(depth / np.float32(DEPTH_UNIT), folder, file.name, config.downscales)


def _write_depth(thousandths: Float[np.ndarray, "h w"], folder: Path, image: str, downscales: int) -> None:
    """Exactly, for transforms.json; and rounded to 16 bits, for the parser of COLMAP models."""
    array, picture = (folder / "depths" / with_suffix(image, suffix) for suffix in (".npy", ".png"))
    array.parent.mkdir(exist_ok=True)
    np.save(array, thousandths)
    rounded = np.round(thousandths)
    # What 16 bits cannot hold is unknown rather than nearer than it is.
    save_image(Image.fromarray(np.where(rounded < 2**16, rounded, 0).astype(np.uint16)), picture)
    # Readers bring depth to the images' size, but look for it where they look for images.
    for factor in _factors(downscales):
        target = folder / f"depths_{factor}"
        target.mkdir(exist_ok=True)
        for file in (array, picture):
            place_file(file, target / file.name, "link")
