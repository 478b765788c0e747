"""Point clouds and camera frusta for viewers: binary PLY and GLB."""

from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float, Int

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.dense.upright import up_direction
from dust3r_sfm.geometry import invert_rigid, transform_points, unproject
from dust3r_sfm.geometry.transforms import level_from_world
from dust3r_sfm.types import Camera, Rigid, Scene

# Ours is OpenCV's (y down, z forward); glTF is y-up and looks along -z.
_GLTF_FROM_LEVEL = np.diag([1.0, -1.0, -1.0, 1.0])
_FRUSTUM_EDGES = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]])
_FRUSTUM_COLOR = (230, 90, 30, 255)
_FRUSTUM_DEPTH = 0.05
"""How long a camera is drawn, of the scene's typical depth."""
_BEAM_RADIUS = 0.02
"""How thick, of its length."""


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


def export_glb(scene: Scene, cloud: PointCloud, path: Path) -> None:
    """Writes a GLB of the coloured points and one frustum a view, named after it, in glTF axes: y is
    up, as far as the scene's report tells what is."""
    model = trimesh.Scene()
    gltf_from_world = _GLTF_FROM_LEVEL @ level_from_world(up_direction(scene))
    if len(cloud):
        points = transform_points(gltf_from_world, cloud.xyz)
        model.add_geometry(trimesh.PointCloud(points, colors=_opaque(cloud.rgb)), geom_name="points")
    size = _FRUSTUM_DEPTH * _typical_depth(scene)
    for view, camera, cam_from_world in zip(scene.views, scene.cameras, scene.cam_from_world, strict=True):
        gltf_from_cam = gltf_from_world @ invert_rigid(cam_from_world)
        model.add_geometry(_frustum(camera, gltf_from_cam, size), geom_name=view.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.export(file_type="glb"))


def _opaque(rgb: np.ndarray) -> np.ndarray:
    return np.concatenate([rgb, np.full_like(rgb[:, :1], 255)], axis=1)


def _typical_depth(scene: Scene) -> float:
    """Median of the views' median known depths, in world units; 1 if no depth is known."""
    medians = [np.median(depth[depth > 0]) for depth in scene.depth if (depth > 0).any()]
    return float(np.median(medians)) if medians else 1.0


def _frustum(camera: Camera, gltf_from_cam: Rigid, size: float) -> trimesh.Trimesh:
    """The pyramid from the camera centre to the image's corners at z = size, as solid beams:
    many viewers draw no lines."""
    w, h = float(camera.width), float(camera.height)
    corners = unproject(np.array([[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]]), np.full(4, size), camera)
    in_camera = np.concatenate([np.zeros((1, 3)), corners])
    in_gltf = transform_points(gltf_from_cam, in_camera)
    vertices, faces = _beams(in_gltf[_FRUSTUM_EDGES], size * _BEAM_RADIUS)
    colors = np.tile(np.array(_FRUSTUM_COLOR, dtype=np.uint8), (len(vertices), 1))
    return trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False)


def _beams(
    segments: Float[np.ndarray, "s 2 3"], radius: float
) -> tuple[Float[np.ndarray, "v 3"], Int[np.ndarray, "f 3"]]:
    """Open triangular prisms around the segments, as vertices and faces."""
    along = segments[:, 1] - segments[:, 0]
    least = np.eye(3)[np.abs(along).argmin(axis=1)]
    side = np.cross(along, least)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(along, side)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    angles = np.arange(3) * (2 * np.pi / 3)
    ring = np.cos(angles)[:, None] * side[:, None] + np.sin(angles)[:, None] * other[:, None]
    vertices = (segments[:, :, None] + radius * ring[:, None]).reshape(-1, 3)
    prism = np.array([[k, (k + 1) % 3, 3 + k] for k in range(3)])
    prism = np.concatenate([prism, [[(k + 1) % 3, 3 + (k + 1) % 3, 3 + k] for k in range(3)]])
    return vertices, (prism + 6 * np.arange(len(segments))[:, None, None]).reshape(-1, 3)
