"""Depth maps and points: fusion of what pairs say of a view, clouds, normals."""

from dust3r_sfm.dense.depth_fusion import DepthFusionConfig, fuse_depth
from dust3r_sfm.dense.fused_cloud import FusionConfig, fused_points
from dust3r_sfm.dense.point_cloud import PointCloud

__all__ = ["DepthFusionConfig", "FusionConfig", "PointCloud", "fuse_depth", "fused_points"]
