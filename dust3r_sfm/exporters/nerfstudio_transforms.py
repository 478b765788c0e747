"""transforms.json, with which nerfstudio and others describe a dataset."""

from pathlib import PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Float

from dust3r_sfm.dense.upright import up_direction
from dust3r_sfm.exporters.images.image_set import ImageSet
from dust3r_sfm.exporters.images.undistortion import distinct_cameras
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.cameras import opencv_camera
from dust3r_sfm.geometry.transforms import level_from_world
from dust3r_sfm.io.transforms_json import OPENCV_FROM_OPENGL
from dust3r_sfm.types import Camera, Rigid, Scene

_Z_UP_FROM_Y_DOWN = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])


def applied_transform(scene: Scene) -> Float[np.ndarray, "4 4"]:
    """nerfstudio's world, in which z is up, from the scene's. Where nothing tells what is up, (x, y, z)
    becomes (x, z, -y), as nerfstudio does with COLMAP's models."""
    return _Z_UP_FROM_Y_DOWN @ level_from_world(up_direction(scene))


def transforms(images: ImageSet, depth: bool) -> dict[str, Any]:
    """What transforms.json holds: intrinsics once if all images share them, else in each frame."""
    scene = images.scene
    applied = applied_transform(scene)
    different, which = distinct_cameras([placement.camera for placement in images.placements])
    frames = []
    for index, name in enumerate(images.names):
        frame: dict[str, Any] = {
            "file_path": f"images/{name}",
            "transform_matrix": turn_pose(scene.cam_from_world[index], applied).tolist(),
            "colmap_im_id": index + 1,
        }
        if has_masks(scene):
            frame["mask_path"] = f"masks/{with_suffix(name, '.png')}"
        if depth:
            frame["depth_file_path"] = f"depths/{with_suffix(name, '.npy')}"
        frames.append(frame if len(different) == 1 else frame | intrinsics_fields(different[which[index]]))
    return {
        # nerfstudio's name for a pinhole too, and some other readers know no other.
        "camera_model": "OPENCV",
        **(intrinsics_fields(different[0]) if len(different) == 1 else {}),
        "applied_transform": applied[:3].tolist(),
        "ply_file_path": "sparse_pc.ply",
        "frames": frames,
    }


def turn_pose(cam_from_world: Rigid, applied: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """The transform_matrix: OpenGL camera coordinates to those of the turned world."""
    return applied @ invert_rigid(cam_from_world) @ OPENCV_FROM_OPENGL


def intrinsics_fields(camera: Camera) -> dict[str, Any]:
    """Size, focals, principal point and lens, under nerfstudio's names."""
    names = ("fl_x", "fl_y", "cx", "cy", "k1", "k2", "p1", "p2")
    written = zip(names, opencv_camera(camera).params, strict=True)
    return {"w": camera.width, "h": camera.height, **dict(written)}


def has_masks(scene: Scene) -> bool:
    """nerfstudio wants a mask for every image or for none."""
    return any(view.mask is not None for view in scene.views)


def with_suffix(name: str, suffix: str) -> str:
    """The name of what belongs to an image of this name."""
    return PurePosixPath(name).with_suffix(suffix).name
