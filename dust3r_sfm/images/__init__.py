"""Photos from disk: found, decoded, set upright, resized; every view keeps its affine to the file."""

from dust3r_sfm.images.loading import LoadedViews, load_color, load_gray, load_view, load_views

__all__ = ["LoadedViews", "load_color", "load_gray", "load_view", "load_views"]
