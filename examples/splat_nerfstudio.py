"""splatfacto from a dense cloud: `python examples/splat_nerfstudio.py DATASET [POINTS]`.

DATASET was written by `ns-process-data dust3r` (or `ns-process-dust3r`), which leaves its reconstruction in
DATASET/dust3r. splatfacto starts from sparse_pc.ply, the points of the tracks; this puts the dense cloud in
its place, in the world that transforms.json speaks of. Then: `ns-train splatfacto --data DATASET`.
"""

import json
import sys
from pathlib import Path

import numpy as np

from dust3r_sfm import fuse_points, load_scene
from dust3r_sfm.dense import CloudFusionConfig, PointCloud
from dust3r_sfm.exporters import export_point_cloud
from dust3r_sfm.geometry import transform_points


def densify(dataset: Path, points: int = 200_000) -> int:
    """Returns how many points splatfacto starts from now."""
    meta = json.loads((dataset / "transforms.json").read_text(encoding="utf-8"))
    turned_from_world = np.vstack([meta["applied_transform"], [0.0, 0.0, 0.0, 1.0]])
    cloud = fuse_points(load_scene(dataset / "dust3r"), CloudFusionConfig(max_points=points))
    # nerfstudio expects positions and colours, and nothing of normals.
    turned = PointCloud(transform_points(turned_from_world, cloud.xyz), cloud.rgb, cloud.confidence)
    export_point_cloud(turned, dataset / meta["ply_file_path"])
    return len(turned)


if __name__ == "__main__":
    budget = [int(sys.argv[2])] if len(sys.argv) > 2 else []
    print(f"{densify(Path(sys.argv[1]), *budget)} points to start from")
