"""A scene for viewers: glTF binary of the cloud or a surface, and the cameras."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import trimesh
from jaxtyping import Float, Int
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.dense.upright import up_direction
from dust3r_sfm.exporters.config import GlbChoices
from dust3r_sfm.exporters.mesh import export_mesh
from dust3r_sfm.geometry import invert_rigid, transform_points, unproject
from dust3r_sfm.geometry.transforms import level_from_world
from dust3r_sfm.types import Camera, Rigid, Scene, View

# Ours is OpenCV's (y down, z forward); glTF is y-up and looks along -z.
_GLTF_FROM_LEVEL = np.diag([1.0, -1.0, -1.0, 1.0])
_FRUSTUM_EDGES = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]])
_FRUSTUM_COLOR = (230, 90, 30, 255)
_SEE_THROUGH = (230, 90, 30, 80)
_BEAM_RADIUS = 0.02
"""How thick, of its length."""
_PHOTO_PX, _JPEG_QUALITY = 256, 80
"""Of the photos in the cameras."""


def export_glb(
    scene: Scene, cloud: PointCloud, path: Path, choices: GlbChoices | None = None, mesh: bool = False
) -> None:
    """Writes a GLB of the coloured points, or with `mesh` of a surface through them, and the cameras, each
    named after its view. In glTF axes: y is up, as far as the scene's report tells what is. A mesh needs
    normals; raises ReconstructionError for points too few or too sparse."""
    choices = choices or GlbChoices()
    model = trimesh.Scene()
    gltf_from_world = _GLTF_FROM_LEVEL @ level_from_world(up_direction(scene))
    path.parent.mkdir(parents=True, exist_ok=True)
    if mesh:
        model.add_geometry(_surface(cloud, path.parent, gltf_from_world), geom_name="surface")
    elif len(cloud):
        points = transform_points(gltf_from_world, cloud.xyz)
        model.add_geometry(trimesh.PointCloud(points, colors=_opaque(cloud.rgb)), geom_name="points")
    if choices.cameras != "none":
        _add_cameras(model, scene, gltf_from_world, choices)
    path.write_bytes(model.export(file_type="glb"))


def _surface(cloud: PointCloud, beside: Path, gltf_from_world: Rigid) -> trimesh.Trimesh:
    with TemporaryDirectory(dir=beside) as folder:
        export_mesh(cloud, Path(folder) / "mesh.ply")
        surface = trimesh.load_mesh(Path(folder) / "mesh.ply", process=False)
    surface.apply_transform(gltf_from_world)
    return surface


def _opaque(rgb: np.ndarray) -> np.ndarray:
    return np.concatenate([rgb, np.full_like(rgb[:, :1], 255)], axis=1)


def _add_cameras(model: trimesh.Scene, scene: Scene, gltf_from_world: Rigid, choices: GlbChoices) -> None:
    size = choices.camera_size * _typical_depth(scene)
    for view, camera, cam_from_world in zip(scene.views, scene.cameras, scene.cam_from_world, strict=True):
        gltf_from_cam = gltf_from_world @ invert_rigid(cam_from_world)
        pyramid = _pyramid(camera, gltf_from_cam, size)
        is_clear = choices.cameras == "transparent"
        model.add_geometry(_frustum(pyramid, size, is_clear), geom_name=view.name)
        if choices.cameras == "photos":
            model.add_geometry(_photo(view, pyramid), geom_name=f"{view.name} (photo)")


def _typical_depth(scene: Scene) -> float:
    """Median of the views' median known depths, in world units; 1 if no depth is known."""
    medians = [np.median(depth[depth > 0]) for depth in scene.depth if (depth > 0).any()]
    return float(np.median(medians)) if medians else 1.0


def _pyramid(camera: Camera, gltf_from_cam: Rigid, size: float) -> Float[np.ndarray, "5 3"]:
    """The camera's centre and its image's corners at z = size, clockwise from the upper left."""
    w, h = float(camera.width), float(camera.height)
    corners = unproject(np.array([[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]]), np.full(4, size), camera)
    return transform_points(gltf_from_cam, np.concatenate([np.zeros((1, 3)), corners]))


def _frustum(pyramid: Float[np.ndarray, "5 3"], size: float, is_clear: bool) -> trimesh.Trimesh:
    """The pyramid's edges as solid beams: many viewers draw no lines."""
    vertices, faces = _beams(pyramid[_FRUSTUM_EDGES], size * _BEAM_RADIUS)
    if is_clear:
        # Colours of vertices are opaque in glTF, whatever their alpha, without a material that blends.
        material = PBRMaterial(baseColorFactor=_SEE_THROUGH, alphaMode="BLEND", doubleSided=True)
        clear = TextureVisuals(material=material)
        return trimesh.Trimesh(vertices, faces, visual=clear, process=False)
    colors = np.tile(np.array(_FRUSTUM_COLOR, dtype=np.uint8), (len(vertices), 1))
    return trimesh.Trimesh(vertices, faces, vertex_colors=colors, process=False)


def _photo(view: View, pyramid: Float[np.ndarray, "5 3"]) -> trimesh.Trimesh:
    """The view's photo on the pyramid's base, seen from both sides."""
    photo = Image.fromarray(view.image)
    photo.thumbnail((_PHOTO_PX, _PHOTO_PX))
    packed = io.BytesIO()
    photo.save(packed, "JPEG", quality=_JPEG_QUALITY)
    material = PBRMaterial(baseColorTexture=Image.open(packed), doubleSided=True, metallicFactor=0.0)
    corners = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    visual = TextureVisuals(uv=corners, material=material)
    return trimesh.Trimesh(pyramid[1:], [[0, 2, 1], [0, 3, 2]], visual=visual, process=False)


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
