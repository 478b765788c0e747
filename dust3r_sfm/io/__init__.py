"""Files: atomic writing, named arrays, scenes, COLMAP models, lists of cameras and poses."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.io.colmap_model import PosedCamera, model_folder, read_model, read_posed_cameras
    from dust3r_sfm.io.intrinsics import Intrinsics, read_intrinsics
    from dust3r_sfm.io.pose_lists import read_poses
    from dust3r_sfm.io.scene_file import load_scene, save_scene

__all__ = [
    "Intrinsics",
    "PosedCamera",
    "load_scene",
    "model_folder",
    "read_intrinsics",
    "read_model",
    "read_posed_cameras",
    "read_poses",
    "save_scene",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Intrinsics": "intrinsics",
        "PosedCamera": "colmap_model",
        "load_scene": "scene_file",
        "model_folder": "colmap_model",
        "read_intrinsics": "intrinsics",
        "read_model": "colmap_model",
        "read_posed_cameras": "colmap_model",
        "read_poses": "pose_lists",
        "save_scene": "scene_file",
    },
)
