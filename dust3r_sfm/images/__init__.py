"""Photos from disk: found, decoded, set upright, resized; every view keeps its affine to the file."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.images.loading import LoadedViews, load_color, load_gray, load_view, load_views
    from dust3r_sfm.images.sampling import FrameSampling
    from dust3r_sfm.images.video import sample_frames

__all__ = [
    "FrameSampling",
    "LoadedViews",
    "load_color",
    "load_gray",
    "load_view",
    "load_views",
    "sample_frames",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FrameSampling": "sampling",
        "LoadedViews": "loading",
        "load_color": "loading",
        "load_gray": "loading",
        "load_view": "loading",
        "load_views": "loading",
        "sample_frames": "video",
    },
)
