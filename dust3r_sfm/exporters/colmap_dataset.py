"""A COLMAP model together with the images it is of: the folder that splat trainers take."""

from pathlib import Path

from dust3r_sfm.exporters.colmap import write_model
from dust3r_sfm.exporters.config import ColmapDataset
from dust3r_sfm.exporters.images.image_set import image_set, write_image_set
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Scene


def export_colmap_dataset(
    scene: Scene, folder: Path, config: ColmapDataset | None = None, progress: Progress | None = None
) -> None:
    """Writes `images/`, `sparse/0/` and `names.json` (image name -> photo name) into `folder`.

    Images are upright with flat, unique names; cameras are PINHOLE with centred principal points, unless
    `form` keeps the lens (then all are OPENCV). Raises InputError for photos that are gone.
    """
    config, progress = config or ColmapDataset(), progress or Silent()
    images = image_set(scene, config.form, config.model.min_observations)
    write_model(images.scene, images.files, images.names, folder / "sparse" / "0", config.model)
    progress.start("Writing images", len(images.names), "images")
    for _ in write_image_set(images, folder, config.transfer):
        progress.advance()
