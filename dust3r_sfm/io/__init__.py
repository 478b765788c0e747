"""Files: atomic writing, named arrays, scenes, COLMAP models, lists of cameras and poses."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.io.intrinsics import Intrinsics, read_intrinsics
    from dust3r_sfm.io.scene_file import load_scene, save_scene

__all__ = [
    "Intrinsics",
    "load_scene",
    "read_intrinsics",
    "save_scene",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Intrinsics": "intrinsics",
        "load_scene": "scene_file",
        "read_intrinsics": "intrinsics",
        "save_scene": "scene_file",
    },
)
