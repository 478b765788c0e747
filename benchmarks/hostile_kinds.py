"""Whole files of each kind that the program reads, how they are damaged, and how they are read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from PIL import Image

from benchmarks.hostile_damage import BINARY, JSON, TEXT, Damage
from dust3r_sfm.images import load_view
from dust3r_sfm.io import load_scene, read_intrinsics, read_model, read_posed_cameras, read_poses, save_scene
from dust3r_sfm.io.transforms_json import camera_of_fields, read_transforms, size_of_fields
from dust3r_sfm.networks import network_from_config
from dust3r_sfm.networks.checkpoints import Description, load_network, save_network
from dust3r_sfm.networks.config import LinearHeadConfig, NetworkConfig
from dust3r_sfm.pipeline.known.world import read_positions
from dust3r_sfm.pipeline.localization import find_queries
from dust3r_sfm.types import AlignmentReport, Camera, ImageSpec, Scene, Tracks, View
from dust3r_sfm.view_graph import PairsFile, view_graph

SPEC = ImageSpec(64)
TINY = NetworkConfig(
    long_edge=64,
    enc_embed_dim=16,
    enc_depth=1,
    enc_num_heads=2,
    dec_embed_dim=16,
    dec_depth=1,
    dec_num_heads=2,
    head=LinearHeadConfig(),
)
Numbers = Iterator[np.ndarray]
"""What was read, as arrays: all of it must be finite."""


@dataclass(frozen=True)
class Kind:
    """`read` gets the path of the file, or where there are several the folder that they lie in."""

    make: Callable[[Path], object]
    """Writes whole files into a folder."""
    read: Callable[[Path], Numbers]
    damages: tuple[Damage, ...]


def kinds() -> dict[str, Kind]:
    return {
        "photo": Kind(_write_photos, _read_photo, BINARY),
        "binary model": Kind(lambda folder: _model().write_binary(str(folder)), _read_model, BINARY),
        "text model": Kind(lambda folder: _model().write_text(str(folder)), _read_model, TEXT),
        "list": Kind(_write_lists, _read_list, TEXT),
        "transforms.json": Kind(_write_transforms, _read_transforms, JSON),
        "scene": Kind(lambda folder: save_scene(_scene(), folder / "scene.npz"), _read_scene, BINARY),
        "checkpoint": Kind(_write_checkpoint, _read_checkpoint, BINARY),
    }


def _write_photos(folder: Path) -> None:
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769)[0x920A] = 4.25
    Image.fromarray(color).save(folder / "a.jpg", exif=exif)
    Image.fromarray(color).save(folder / "progressive.jpg", progressive=True)
    for suffix in ("png", "bmp", "webp", "tif", "ppm", "gif"):
        Image.fromarray(color).save(folder / f"b.{suffix}")
    Image.fromarray(rng.integers(0, 65536, (48, 64), dtype=np.uint16)).save(folder / "deep.png")
    Image.fromarray(rng.random((48, 64), dtype=np.float32)).save(folder / "float.tif")
    Image.fromarray(color).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(np.dstack([color, color[..., :1]])).save(folder / "alpha.png")
    Image.fromarray(color).save(folder / "lzw.tif", compression="tiff_lzw")


def _read_photo(file: Path) -> Numbers:
    view = load_view(file, SPEC)
    yield view.pixel_from_original
    yield np.array([view.exif_focal_px or 1.0, *(view.exif_position or ()), *view.original_size])


def _model() -> pycolmap.Reconstruction:
    rng = np.random.default_rng(0)
    made = pycolmap.Reconstruction()
    params = [500.0, 510.0, 320.0, 240.0]
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(camera_id=1, model="PINHOLE", width=640, height=480, params=params)
    )
    for number in range(1, 5):
        keypoints = rng.uniform(0, 400, (6, 2))
        image = pycolmap.Image(name=f"in/{number}.jpg", keypoints=keypoints, camera_id=1, image_id=number)
        made.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.eye(4)[:3]))
    for point in range(6):
        track = pycolmap.Track()
        track.add_element(1, point)
        track.add_element(2, point)
        made.add_point3D(rng.normal(size=3), track, np.zeros(3, np.uint8))
    return made


def _read_model(folder: Path) -> Numbers:
    for photo in read_posed_cameras(folder).values():
        yield photo.cam_from_world
        yield np.array(photo.camera.params)
    model = read_model(folder)
    yield np.array([point.xyz for point in model.points3D.values()])


def _write_lists(folder: Path) -> None:
    camera = "PINHOLE 640 480 500 500 320 240"
    (folder / "cameras.txt").write_text("".join(f"{k}.jpg {camera}\n" for k in range(4)))
    (folder / "poses.txt").write_text("".join(f"{k}.jpg 1 0 0 0 {k} 0 0.5\n" for k in range(4)))
    (folder / "positions.txt").write_text("".join(f"{k}.jpg {k} 2.5 -1e3\n" for k in range(4)))
    (folder / "pairs.txt").write_text('0.jpg 1.jpg\n"2.jpg" 3.jpg\n')
    (folder / "queries.txt").write_text("".join(f"{k}.jpg {camera}\n" for k in range(4)))


def _read_list(file: Path) -> Numbers:
    if file.stem == "cameras":
        yield from (np.array(camera.params) for camera in read_intrinsics(file).by_name.values())
    elif file.stem == "poses":
        yield from read_poses(file).values()
    elif file.stem == "positions":
        yield from read_positions(file).values()
    elif file.stem == "pairs":
        view_graph([f"{k}.jpg" for k in range(4)], PairsFile(file))
    else:
        yield from (np.array(c.params) for c in find_queries(file).intrinsics.by_name.values())


def _write_transforms(folder: Path) -> None:
    frames = [
        {"file_path": f"images/{k}.jpg", "transform_matrix": np.eye(4).tolist(), "fl_x": 500.0 + k}
        for k in range(4)
    ]
    written = {"w": 640, "h": 480, "cx": 320.0, "cy": 240.0, "k1": 0.01, "camera_model": "OPENCV"}
    (folder / "transforms.json").write_text(json.dumps({**written, "frames": frames}, indent=1))


def _read_transforms(file: Path) -> Numbers:
    found = read_transforms(file)
    for name, pose in found.cam_from_world.items():
        yield pose
        try:
            size = size_of_fields(found.fields[name]) or (640, 480)
            yield np.array(camera_of_fields(found.fields[name], size).params)
        except ValueError:
            # As the caller, which knows the file, says it.
            return


def _scene() -> Scene:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    views = tuple(View(f"{k}.jpg", image, np.diag([0.05, 0.05, 1.0]), (640, 480)) for k in range(3))
    index = np.arange(6, dtype=np.int64)
    tracks = Tracks(
        rng.normal(size=(6, 3)), np.zeros((6, 3), np.uint8), index, index % 3, rng.uniform(0, 20, (6, 2))
    )
    return Scene(
        views,
        tuple(Camera.pinhole(32, 24, 25.0, 25.0, 16.0, 12.0) for _ in views),
        np.broadcast_to(np.eye(4), (3, 4, 4)).copy(),
        tuple(np.ones((24, 32)) for _ in views),
        tuple(np.full((24, 32), 2.0) for _ in views),
        tracks,
        AlignmentReport((), "not asked for"),
    )


def _read_scene(file: Path) -> Numbers:
    scene = load_scene(file)
    yield scene.cam_from_world
    yield scene.tracks.xyz
    yield from (np.array(camera.params) for camera in scene.cameras)


def _write_checkpoint(folder: Path) -> None:
    save_network(folder / "network.safetensors", network_from_config(TINY), Description(TINY, "Apache-2.0"))


def _read_checkpoint(file: Path) -> Numbers:
    load_network(file)
    yield np.zeros(0)
