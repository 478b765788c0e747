"""Every stage by itself: `python examples/api.py PHOTOS OUT`."""

import sys
from pathlib import Path

from dust3r_sfm import Scene, StereoRegressor, align, fuse_depth, load_views, measure_pairs
from dust3r_sfm.exporters import export_colmap
from dust3r_sfm.view_graph import Complete, view_graph


def reconstruct_by_hand(photos: Path, out: Path) -> Scene:
    regressor = StereoRegressor()
    views = load_views(photos, regressor.image_spec).views  # each .image: (h, w, 3) uint8, long edge 512
    graph = view_graph([view.name for view in views], Complete())  # .pairs: (i, j) in both directions
    evidence = measure_pairs(regressor, views, graph)  # .summaries: a few thousand numbers a pair
    reconstruction = align(views, evidence)  # cameras, poses and tracks
    reconstruction = fuse_depth(reconstruction, views, evidence)
    scene = reconstruction.scenes[0]  # the largest; no scenes, if nothing fits together
    for view, camera, depth in zip(scene.views, scene.cameras, scene.depth, strict=True):
        print(f"{view.name}: focal {camera.fx:.1f} px, depth {depth.shape}")  # depth: (h, w), 0 = unknown
    print(scene.cam_from_world.shape, scene.tracks.xyz.shape)  # (n, 4, 4) and (p, 3)
    export_colmap(scene, out)  # cameras, images and points3D of the files as they are stored
    return scene


if __name__ == "__main__":
    reconstruct_by_hand(Path(sys.argv[1]), Path(sys.argv[2]))
