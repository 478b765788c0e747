"""What the viewer shows of a path: a folder that `reconstruct` wrote, a scene.npz, or any COLMAP model."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.colmap_model import model_folder
from dust3r_sfm.io.scene_file import SCENE_FILE, load_scene
from dust3r_sfm.io.text_files import read_json
from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.reading.colmap import component_from_colmap
from dust3r_sfm.viewer.scene import ViewedComponent, ViewedScene

if TYPE_CHECKING:
    from dust3r_sfm.dense.point_cloud import PointCloud

_POINTS_FILE, _REPORT_FILE, _OTHERS = "points.ply", "report.json", "components"
"""What `reconstruct` writes beside scene.npz."""


def read_viewed(path: Path, images: Path | None = None, config: ViewerConfig | None = None) -> ViewedScene:
    """All scenes of a folder that `reconstruct` wrote, one scene.npz, or a COLMAP model where programs leave
    them, whose photos are in `images`. Raises InputError for what holds none of these, or a damaged one."""
    config = config or ViewerConfig()
    if not path.exists():
        raise InputError(f"{path}: no such folder; name one that reconstruct wrote, or a COLMAP model")
    title = path.resolve().name or str(path)
    if path.is_file() or (path / SCENE_FILE).is_file():
        if images is not None:
            raise InputError(f"--images: {path} has its photos in {SCENE_FILE}; leave it out")
        return _read_own(path, title, config)
    model = model_folder(path)
    if model is None:
        raise InputError(
            f"{path}: holds neither {SCENE_FILE} nor a COLMAP model (cameras, images and points3D as .bin or "
            ".txt, in it or in sparse/0); name a folder that reconstruct wrote, or a model"
        )
    return ViewedScene(title, (component_from_colmap(model, images, config),))


def _read_own(path: Path, title: str, config: ViewerConfig) -> ViewedScene:
    if path.is_file():
        return ViewedScene(title, (_component(path, {}, config),))
    report = _report(path / _REPORT_FILE)
    others = sorted((path / _OTHERS).glob(f"*/{SCENE_FILE}"), key=lambda file: _number(file.parent.name))
    files = [path / SCENE_FILE, *others]
    try:
        dropped = {str(i["name"]): str(i["reason"]) for i in report.get("images", ()) if i["scene"] is None}
        return ViewedScene(title, tuple(_component(file, report, config) for file in files), dropped)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path / _REPORT_FILE}: is not as this program writes it ({error!r}); reconstruct again"
        ) from error


def _number(name: str) -> tuple[int, str]:
    return (int(name) if name.isascii() and name.isdigit() else 0), name


def _report(file: Path) -> Mapping[str, Any]:
    """Empty where there is none: a scene can be looked at without."""
    report = read_json(file) if file.exists() else {}
    if not isinstance(report, dict):
        raise InputError(f"{file}: is not as this program writes it; reconstruct the photos again")
    return report


def _component(file: Path, report: Mapping[str, Any], config: ViewerConfig) -> ViewedComponent:
    # Here, as it takes seconds to load what COLMAP models do not need.
    from dust3r_sfm.viewer.reading.scenes import component_from_scene, pairs_from_names

    scene = load_scene(file)
    pairs = pairs_from_names([view.name for view in scene.views], report.get("pairs", ()))
    return component_from_scene(scene, pairs, config, _cloud(file.parent / _POINTS_FILE))


def _cloud(file: Path) -> "PointCloud | None":
    """What was fused when the scene was written; None where it is gone: it is fused again then."""
    if not file.is_file():
        return None
    import trimesh

    from dust3r_sfm.dense.point_cloud import PointCloud

    try:
        found: Any = trimesh.load(file, process=False)
        xyz, rgb = np.asarray(found.vertices, dtype=np.float64), np.asarray(found.colors)[:, :3]
    except Exception as error:  # trimesh raises many kinds.
        raise InputError(
            f"{file}: not a readable point cloud ({error}); delete it, and it is made anew"
        ) from error
    usable = np.isfinite(xyz).all(axis=1)
    return PointCloud(xyz[usable], rgb[usable].astype(np.uint8), np.ones(int(usable.sum())))
