"""Point clouds for other programs: binary PLY."""

from pathlib import Path

import numpy as np

from dust3r_sfm.dense.point_cloud import PointCloud


def export_point_cloud(cloud: PointCloud, path: Path) -> None:
    """Writes a binary PLY of x y z (float32; world frame and units, OpenCV axes), nx ny nz if the cloud has
    normals, and red green blue."""
    # By hand, because trimesh adds alpha, which few readers expect, and cannot write an empty cloud.
    parts = [("xyz", "float", "<f4", ("x", "y", "z"), cloud.xyz)]
    if cloud.normals is not None:
        parts.append(("normals", "float", "<f4", ("nx", "ny", "nz"), cloud.normals))
    parts.append(("rgb", "uchar", "u1", ("red", "green", "blue"), cloud.rgb))
    rows = np.zeros(len(cloud), dtype=[(field, dtype, 3) for field, _, dtype, _, _ in parts])
    for field, _, _, _, values in parts:
        rows[field] = values
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(cloud)}"]
    header += [f"property {kind} {name}" for _, kind, _, names, _ in parts for name in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join([*header, "end_header", ""]).encode() + rows.tobytes())
