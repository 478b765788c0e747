"""Which way is up in a scene: from cameras that people hold level, and upright edges in their photos."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.dense.upright.level_cameras import LevelCamerasConfig, up_from_cameras
    from dust3r_sfm.dense.upright.up_axis import UpAxisConfig, estimate_up, up_direction, with_up
    from dust3r_sfm.dense.upright.vertical_edges import VerticalEdgesConfig

__all__ = [
    "LevelCamerasConfig",
    "UpAxisConfig",
    "VerticalEdgesConfig",
    "estimate_up",
    "up_direction",
    "up_from_cameras",
    "with_up",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LevelCamerasConfig": "level_cameras",
        "UpAxisConfig": "up_axis",
        "VerticalEdgesConfig": "vertical_edges",
        "estimate_up": "up_axis",
        "up_direction": "up_axis",
        "up_from_cameras": "level_cameras",
        "with_up": "up_axis",
    },
)
