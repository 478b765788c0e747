"""A COLMAP model together with the images it is of: the folder that splat trainers take."""

from dataclasses import dataclass, field
from pathlib import Path

from dust3r_sfm.exporters.colmap import ColmapExport, write_model
from dust3r_sfm.exporters.image_files import Transfer
from dust3r_sfm.exporters.image_set import image_set, write_image_set
from dust3r_sfm.exporters.undistortion import ImageForm
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Scene


@dataclass(frozen=True)
class ColmapDataset:
    """What splat trainers are given."""

    form: ImageForm = field(default_factory=ImageForm)
    """How images look."""
    transfer: Transfer = "copy"
    """How photos that need no change get there."""
    model: ColmapExport = field(default_factory=ColmapExport)
    """The sparse model."""


def export_colmap_dataset(scene: Scene, folder: Path, config: ColmapDataset, progress: Progress) -> None:
    """Writes `images/`, `sparse/0/` and `names.json` (image name -> photo name) into `folder`.

    Images are upright with flat, unique names; cameras are PINHOLE with centred principal points, unless
    `form` keeps the lens (then all are OPENCV). Raises InputError for photos that are gone.
    """
    images = image_set(scene, config.form, config.model.min_observations)
    write_model(images.scene, images.files, images.names, folder / "sparse" / "0", config.model)
    progress.start("Writing images", len(images.names), "images")
    for _ in write_image_set(images, folder, config.transfer):
        progress.advance()
