"""The files that nerfstudio reads, put into the output folder when all of them are there."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from dust3r_sfm.cli.options.library import points_of
from dust3r_sfm.exporters.config import ColmapExport, ImageForm, NerfstudioExport
from dust3r_sfm.exporters.images.image_set import NAMES_FILE
from dust3r_sfm.exporters.nerfstudio import export_nerfstudio
from dust3r_sfm.io.atomic import write_atomically
from dust3r_sfm.pipeline.output import as_output_error
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Scene
from dust3r_sfm_nerfstudio.in_place import export_in_place
from dust3r_sfm_nerfstudio.options import ProcessOptions

OURS = "dust3r"
"""The sub-folder of the output for everything that nerfstudio does not read."""

_MODEL = ("transforms.json", "colmap", "sparse", "sparse_pc.ply")
_KINDS = ("images", "masks", "depths")
_PICTURES = (NAMES_FILE, *_KINDS, *(f"{kind}_{2**power}" for kind in _KINDS for power in range(1, 9)))


def write_dataset(
    scene: Scene, stems: Mapping[str, str], command: ProcessOptions, progress: Progress
) -> None:
    """Writes the scene's dataset into `command.output_dir`, in place of one that is there.

    `stems`: photo name -> name of its image without a suffix. Raises OutputError, and InputError for
    photos that are gone.
    """
    output, staged = command.output_dir, command.output_dir / OURS / "dataset"
    with as_output_error(output):
        with write_atomically(staged, replace=True) as partial:
            partial.mkdir()
            if command.skip_image_processing:
                export_in_place(scene, partial, output, _model(command))
            else:
                _export(scene, stems, partial, command, progress)
        _publish(staged, output, _owned_names(command))


def _export(
    scene: Scene, stems: Mapping[str, str], folder: Path, command: ProcessOptions, progress: Progress
) -> None:
    config = NerfstudioExport(
        form=ImageForm(undistorted=command.camera_type == "pinhole"),
        model=_model(command),
        downscales=command.num_downscales,
        depth=command.depth,
    )
    suffixes = [PurePosixPath(view.name).suffix for view in scene.views]
    names = [stems[view.name] + suffix for view, suffix in zip(scene.views, suffixes, strict=True)]
    photos = {name: view.name for name, view in zip(names, scene.views, strict=True)}
    views = tuple(replace(view, name=name) for view, name in zip(scene.views, names, strict=True))
    export_nerfstudio(replace(scene, views=views), folder, config, progress)
    written = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
    originals = {image: photos[name] for image, name in written.items()}
    (folder / NAMES_FILE).write_text(json.dumps(originals, indent=1) + "\n", encoding="utf-8")


def _model(command: ProcessOptions) -> ColmapExport:
    return ColmapExport(points_of(command.max_points))


def _owned_names(command: ProcessOptions) -> tuple[str, ...]:
    """What a run puts into the output folder, and of all it ever takes away there."""
    return _MODEL if command.skip_image_processing else (*_MODEL, *_PICTURES)


def find_replaced(command: ProcessOptions, path: Path) -> Path | None:
    """The file or folder in the output that has `path` in it and that a run would replace, if any."""
    output, path = command.output_dir.resolve(), path.resolve()
    if not path.is_relative_to(output) or path == output:
        return None
    first = path.relative_to(output).parts[0]
    return command.output_dir / first if first in (OURS, *_owned_names(command)) else None


def _publish(staged: Path, output: Path, owned: tuple[str, ...]) -> None:
    """transforms.json goes first and comes last: where it is, the dataset is whole."""
    for former in (output / name for name in owned):
        if former.is_dir() and not former.is_symlink():
            shutil.rmtree(former)
        else:
            former.unlink(missing_ok=True)
    for path in sorted(staged.iterdir(), key=lambda path: path.name == "transforms.json"):
        path.rename(output / path.name)
    staged.rmdir()
