"""COLMAP's dense workspace with our depth maps in it: `colmap stereo_fusion` and the meshers go on from
there as after COLMAP's own patch_match_stereo."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from dust3r_sfm.dense.normals import depth_normals
from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.colmap import write_model
from dust3r_sfm.exporters.config import ColmapDense, ImageForm
from dust3r_sfm.exporters.images.image_files import place_file
from dust3r_sfm.exporters.images.image_maps import depth_camera, depth_image
from dust3r_sfm.exporters.images.image_set import image_set, write_image_set
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene

_SOURCES = "__auto__, 20"
"""As COLMAP's image_undistorter writes into patch-match.cfg."""
_KINDS = ("geometric", "photometric")


def export_colmap_dense(
    scene: Scene, folder: Path, config: ColmapDense | None = None, progress: Progress | None = None
) -> None:
    """Writes images/ (undistorted), sparse/, names.json, and in stereo/ for each image depth and normal maps
    as `<name>.geometric.bin`, the same as `<name>.photometric.bin`, patch-match.cfg and fusion.cfg.

    Maps have about the pixels of the view, fewer than the image: COLMAP's readers scale by the ratio.
    Raises InputError for photos that are gone.
    """
    config, progress = config or ColmapDense(), progress or Silent()
    images = image_set(scene, ImageForm(long_edge=config.long_edge), config.model.min_observations)
    stereo = folder / "stereo"
    for name in ("depth_maps", "normal_maps", "consistency_graphs"):
        (stereo / name).mkdir(parents=True)
    write_model(images.scene, images.files, images.names, folder / "sparse", config.model)
    progress.start("Writing images and depth", len(images.names), "images")
    for index, file in enumerate(write_image_set(images, folder, config.transfer)):
        camera = depth_camera(file.placement)
        depth = depth_image(images.scene, index, camera, config.min_confidence)
        _write_map(stereo / "depth_maps", file.name, depth[..., None])
        _write_map(stereo / "normal_maps", file.name, depth_normals(depth, camera))
        progress.advance()
    (stereo / "fusion.cfg").write_text("".join(f"{name}\n" for name in images.names))
    (stereo / "patch-match.cfg").write_text("".join(f"{name}\n{_SOURCES}\n" for name in images.names))


def _write_map(folder: Path, name: str, values: Float[np.ndarray, "h w c"]) -> None:
    first, second = (folder / f"{name}.{kind}.bin" for kind in _KINDS)
    write_array(values, first)
    place_file(first, second, "link")


def write_array(values: Float[np.ndarray, "h w c"], path: Path) -> None:
    """COLMAP's binary array: "w&h&c&", then little-endian float32, all rows of the first channel first."""
    height, width, channels = values.shape
    head = f"{width}&{height}&{channels}&".encode()
    path.write_bytes(head + np.moveaxis(values, 2, 0).astype("<f4").tobytes())


def read_array(path: Path) -> Float[np.ndarray, "h w c"]:
    """What `write_array` or COLMAP wrote. Raises InputError for anything else."""
    content = path.read_bytes()
    parts = content.split(b"&", 3)
    try:
        width, height, channels = (int(part) for part in parts[:3])
        flat = np.frombuffer(parts[3], dtype="<f4").reshape(channels, height, width)
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: is no COLMAP depth or normal map ({error}); export it again") from error
    return np.moveaxis(flat, 0, 2)
