"""What two photos tell by themselves, or one: the small tasks, without a reconstruction.

    pair = predict_pair(load_view(photo_i, spec), load_view(photo_j, spec), regressor)
    relative = relative_camera(pair)  # .j_from_i, .camera_i, .camera_j, .matches
    depth_i, depth_j = depth_maps(pair, relative)  # .depth, .confidence, .camera

Everything is in pixels of the views, and lengths are in the pair's own unit.
"""

from dust3r_sfm.pairwise.results import (
    FocalEstimator,
    ImagePair,
    PairDepth,
    RelativeCamera,
    RelativeCameraConfig,
)
from dust3r_sfm.pairwise.tasks import (
    camera_from_pointmap,
    depth_maps,
    pair_scene,
    predict_pair,
    relative_camera,
    single_depth,
)

__all__ = [
    "FocalEstimator",
    "ImagePair",
    "PairDepth",
    "RelativeCamera",
    "RelativeCameraConfig",
    "camera_from_pointmap",
    "depth_maps",
    "pair_scene",
    "predict_pair",
    "relative_camera",
    "single_depth",
]
