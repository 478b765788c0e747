"""A dataset of photos that stay where and as they are stored: poses and points, no pictures."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pycolmap

from dust3r_sfm.exporters.colmap import export_colmap
from dust3r_sfm.exporters.config import ColmapExport
from dust3r_sfm.exporters.nerfstudio import turn_points
from dust3r_sfm.exporters.nerfstudio_transforms import applied_transform, intrinsics_fields, turn_pose
from dust3r_sfm.exporters.point_cloud import export_point_cloud
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap
from dust3r_sfm.types import Scene


def export_in_place(scene: Scene, folder: Path, output: Path, config: ColmapExport) -> None:
    """Writes colmap/sparse/0, the same in sparse/0, sparse_pc.ply and transforms.json into `folder`.

    Cameras are those of the stored files, with their lens and before any EXIF rotation: nerfstudio reads
    pictures without turning them. Frames name the photos relative to `output`, where the files go.
    """
    place = folder / "colmap" / "sparse" / "0"
    export_colmap(scene, place, config)
    shutil.copytree(place, folder / "sparse" / "0")
    model = pycolmap.Reconstruction(str(place))
    applied = applied_transform(scene)
    export_point_cloud(turn_points(model, applied), folder / "sparse_pc.ply")
    paths = {view.name: view.path for view in scene.views}
    frames = []
    for number, image in sorted(model.images.items()):
        path = paths[image.name]
        assert path is not None, "photos were read from files"
        pose = np.vstack([image.cam_from_world().matrix(), [0.0, 0.0, 0.0, 1.0]])
        frames.append(
            {
                "file_path": Path(os.path.relpath(path.resolve(), output.resolve())).as_posix(),
                "transform_matrix": turn_pose(pose, applied).tolist(),
                "colmap_im_id": number,
                **intrinsics_fields(camera_from_pycolmap(model.cameras[image.camera_id])),
            }
        )
    meta = {
        "camera_model": "OPENCV",
        "applied_transform": applied[:3].tolist(),
        "ply_file_path": "sparse_pc.ply",
        "frames": frames,
    }
    (folder / "transforms.json").write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")
