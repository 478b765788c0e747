"""Results looked at in a browser: `dust3r-sfm view`, notebooks, and whoever embeds a `Viewer` (extra
`viewer`)."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.viewer.config import ViewerConfig
    from dust3r_sfm.viewer.reading.folders import read_viewed
    from dust3r_sfm.viewer.reading.queries import read_queries
    from dust3r_sfm.viewer.reading.scenes import scene_from_reconstruction
    from dust3r_sfm.viewer.scene import (
        ViewedComponent,
        ViewedPair,
        ViewedPhoto,
        ViewedPoints,
        ViewedQuery,
        ViewedScene,
        ViewedTracks,
    )
    from dust3r_sfm.viewer.viewer import Viewer

__all__ = [
    "ViewedComponent",
    "ViewedPair",
    "ViewedPhoto",
    "ViewedPoints",
    "ViewedQuery",
    "ViewedScene",
    "ViewedTracks",
    "Viewer",
    "ViewerConfig",
    "read_queries",
    "read_viewed",
    "scene_from_reconstruction",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ViewedComponent": "scene",
        "ViewedPair": "scene",
        "ViewedPhoto": "scene",
        "ViewedPoints": "scene",
        "ViewedQuery": "scene",
        "ViewedScene": "scene",
        "ViewedTracks": "scene",
        "Viewer": "viewer",
        "ViewerConfig": "config",
        "read_queries": "reading.queries",
        "read_viewed": "reading.folders",
        "scene_from_reconstruction": "reading.scenes",
    },
)
