"""The example that needs no download: photos of a made-up room, with their true cameras."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import OutputError
from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.synthetic.cameras import Rig, arc_cameras
from dust3r_sfm.synthetic.rendering.render import Rendering, render
from dust3r_sfm.synthetic.scenes import room_scene

POINTS_PER_PHOTO = 2000


@dataclass(frozen=True)
class ExamplePaths:
    """Where an example's photos and its COLMAP text model of the true cameras lie."""

    images: Path
    ground_truth: Path


def write_example(
    folder: Path,
    count: int,
    width: int,
    height: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> ExamplePaths:
    """Render `count` photos of a room to images/00.jpg ... and their truth to gt/ as COLMAP text.

    Raises OutputError if `folder` exists and is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: exists and is not an empty folder; name a new one for the example")
    progress = progress or Silent()
    scene = room_scene(seed)
    rig = arc_cameras(scene, count, width, height, focal_px=0.8 * width)
    paths = ExamplePaths(folder / "images", folder / "gt")
    paths.images.mkdir(parents=True)
    names = [f"{index:02d}.jpg" for index in range(count)]
    renderings = []
    progress.start("Rendering the example", count, "photos")
    for name, camera, cam_from_world in zip(names, rig.cameras, rig.cam_from_world, strict=True):
        renderings.append(render(scene, camera, cam_from_world))
        # 4:4:4: with halved colour the saturated edges would bleed by a pixel
        Image.fromarray(renderings[-1].image).save(paths.images / name, quality=95, subsampling=0)
        progress.advance()
    write_ground_truth(paths.ground_truth, rig, names, renderings, seed)
    return paths


def write_ground_truth(
    folder: Path, rig: Rig, names: list[str], renderings: list[Rendering], seed: int = 0
) -> None:
    """True cameras, poses and a sample of surface points as a COLMAP text model (points without tracks)."""
    folder.mkdir(parents=True)
    cameras = [
        f"{index + 1} PINHOLE {c.width} {c.height} {c.fx!r} {c.fy!r} {c.cx!r} {c.cy!r}"
        for index, c in enumerate(rig.cameras)
    ]
    images = []
    for index, (name, cam_from_world) in enumerate(zip(names, rig.cam_from_world, strict=True)):
        x, y, z, w = Rotation.from_matrix(cam_from_world[:3, :3]).as_quat()
        numbers = " ".join(repr(float(value)) for value in (w, x, y, z, *cam_from_world[:3, 3]))
        # the empty second line is the image's list of keypoints
        images.append(f"{index + 1} {numbers} {index + 1} {name}\n")
    xyz, color = _sampled_points(rig, renderings, seed)
    points = [
        f"{index + 1} {p[0]:.6f} {p[1]:.6f} {p[2]:.6f} {c[0]} {c[1]} {c[2]} 0"
        for index, (p, c) in enumerate(zip(xyz.tolist(), color.tolist(), strict=True))
    ]
    for name, lines in (("cameras", cameras), ("images", images), ("points3D", points)):
        (folder / f"{name}.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def _sampled_points(
    rig: Rig, renderings: list[Rendering], seed: int
) -> tuple[Float[np.ndarray, "n 3"], UInt8[np.ndarray, "n 3"]]:
    """World points and colours of randomly chosen pixels, as many from each photo."""
    rng = np.random.default_rng(seed)
    xyz, color = [], []
    for cam_from_world, rendering in zip(rig.cam_from_world, renderings, strict=True):
        seen = np.flatnonzero(rendering.depth.reshape(-1) > 0)
        chosen = rng.choice(seen, min(POINTS_PER_PHOTO, len(seen)), replace=False)
        xyz.append(transform_points(invert_rigid(cam_from_world), rendering.points.reshape(-1, 3)[chosen]))
        color.append(rendering.image.reshape(-1, 3)[chosen])
    return np.concatenate(xyz), np.concatenate(color)
