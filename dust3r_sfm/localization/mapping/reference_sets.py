"""Any of the reference sets there are, by what lies in a folder."""

from dataclasses import replace
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.colmap_model import model_folder
from dust3r_sfm.io.scene_file import SCENE_FILE, load_scene
from dust3r_sfm.localization.mapping.colmap_reference import read_colmap_set
from dust3r_sfm.localization.mapping.nerfstudio_reference import read_nerfstudio_set
from dust3r_sfm.localization.mapping.reference import DepthMap, Reference

TRANSFORMS = "transforms.json"


def read_reference(path: Path, images: Path | None = None) -> Reference:
    """A folder that `reconstruct` wrote, with its dense depth; a COLMAP model (in the folder, or below it
    where COLMAP, hloc, GLOMAP and nerfstudio put it); or a transforms.json. `images`: the folder of the
    photos, where they are not found beside it.

    Raises InputError where there is none of these, it cannot be read, or its photos are not there.
    """
    if (path / SCENE_FILE).is_file():
        return _read_scene(path, images)
    if path.is_file() and path.suffix == ".json":
        return read_nerfstudio_set(path, images)
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give a reconstruction, a COLMAP model or a {TRANSFORMS}")
    model = model_folder(path)
    if model is not None:
        return replace(read_colmap_set(model, images), source=path)
    if (path / TRANSFORMS).is_file():
        return read_nerfstudio_set(path / TRANSFORMS, images)
    raise InputError(
        f"{path}: holds no COLMAP model (cameras and images, .bin or .txt) and no {TRANSFORMS}; "
        "give the folder of one"
    )


def _read_scene(folder: Path, images: Path | None) -> Reference:
    scene = load_scene(folder / SCENE_FILE)
    paths = {view.name: view.path for view in scene.views if view.path is not None}
    depth = {
        view.name: DepthMap(depth, confidence, view.pixel_from_original)
        for view, depth, confidence in zip(scene.views, scene.depth, scene.confidence, strict=True)
        # Its depth is that of the straightened photo, and queries are matched with the photo as it is.
        if view.rectification is None
    }
    return replace(read_colmap_set(folder / "sparse" / "0", images, paths, depth), source=folder)
