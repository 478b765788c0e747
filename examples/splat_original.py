"""A dataset for the original 3DGS code: `python examples/splat_original.py OUT DATASET [POINTS]`.

OUT was written by `dust3r-sfm reconstruct`. Then, in the code of Kerbl et al. 2023:
`python train.py -s DATASET`.

That code starts from the points of the COLMAP model, unless there is a points3D.ply beside it: here that is
the dense cloud, which covers what tracks do not. It asks for normals in that file, and for PINHOLE cameras;
it takes the principal point to be the image's centre. The export holds all three.
"""

import sys
from pathlib import Path

from dust3r_sfm import export_scene, fuse_points, load_scene
from dust3r_sfm.dense import CloudFusionConfig
from dust3r_sfm.exporters import ColmapDataset, ImageForm, export_point_cloud


def write_dataset(out: Path, dataset: Path, points: int = 200_000) -> int:
    """Returns how many points training starts from."""
    scene = load_scene(out)
    # The code makes larger images smaller itself, but warns first.
    export_scene(scene, dataset, ColmapDataset(form=ImageForm(long_edge=1600)))
    cloud = fuse_points(scene, CloudFusionConfig(min_views=2, max_points=points))
    export_point_cloud(cloud, dataset / "sparse" / "0" / "points3D.ply")
    return len(cloud)


if __name__ == "__main__":
    budget = [int(sys.argv[3])] if len(sys.argv) > 3 else []
    print(f"{write_dataset(Path(sys.argv[1]), Path(sys.argv[2]), *budget)} points to start from")
