"""Depth maps and points: fusion of what pairs say of a view, clouds, normals."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.dense.depth_fusion import DepthFusionConfig, fuse_depth
    from dust3r_sfm.dense.fused_cloud import CloudFusionConfig, fuse_points
    from dust3r_sfm.dense.normals import depth_normals
    from dust3r_sfm.dense.point_cloud import PointCloud, dense_points

__all__ = [
    "CloudFusionConfig",
    "DepthFusionConfig",
    "PointCloud",
    "dense_points",
    "depth_normals",
    "fuse_depth",
    "fuse_points",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CloudFusionConfig": "fused_cloud",
        "DepthFusionConfig": "depth_fusion",
        "PointCloud": "point_cloud",
        "dense_points": "point_cloud",
        "depth_normals": "normals",
        "fuse_depth": "depth_fusion",
        "fuse_points": "fused_cloud",
    },
)
