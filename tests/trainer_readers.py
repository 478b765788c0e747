"""Readers as strict as the strictest of the programs that take these folders, written from what those
programs say they expect. Each raises AssertionError for what its program would refuse or misread."""

import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

_FLOAT = r"-?\d+(\.\d+)?([eE][-+]?\d+)?"
_IMAGE_LINE = re.compile(rf"\d+( {_FLOAT}){{7}} \d+ \S+")
_POINTS_LINE = re.compile(rf"({_FLOAT} {_FLOAT} -?\d+( {_FLOAT} {_FLOAT} -?\d+)*)?")
_POINT_LINE = re.compile(rf"\d+( {_FLOAT}){{3}}( \d{{1,3}}){{3}} {_FLOAT}( \d+ \d+){{2,}}")


@dataclass(frozen=True)
class Pinhole:
    """One image as a trainer has it in the end. Continuous pixels."""

    path: Path
    width: int
    height: int
    fx: float
    fy: float
    cam_from_world: np.ndarray


def splat_folder(folder: Path, sparse: str = "sparse/0") -> list[Pinhole]:
    """The original Gaussian Splatting code: PINHOLE, the principal point taken to be the centre, images
    found by the last part of their name, told apart by what is before the first dot."""
    cameras, images, points = text_model(folder / sparse)
    found = []
    for name, (camera_id, cam_from_world, _) in images.items():
        model, width, height, params = cameras[camera_id]
        assert model == "PINHOLE"
        fx, fy, cx, cy = params
        assert (cx, cy) == (width / 2, height / 2)
        assert name == Path(name).name
        assert re.fullmatch(r"[A-Za-z0-9_=-]+\.(jpg|png)", name)
        path = folder / "images" / name
        with Image.open(path) as image:
            assert image.size == (width, height)
            assert image.mode == "RGB"
            assert image.getexif().get(274, 1) == 1
        found.append(Pinhole(path, width, height, fx, fy, cam_from_world))
    assert len({name.split(".")[0].lower() for name in images}) == len(images)
    _images_are_those_of_the_model(folder, list(images))
    _binary_agrees(folder / sparse, len(cameras), len(images), len(points))
    beside = folder / sparse / "points3D.ply"
    assert not beside.exists() or "nx" in ply_properties(beside)
    return found


def _images_are_those_of_the_model(folder: Path, names: list[str]) -> None:
    """gsplat pairs the sorted files in images/ with the model's sorted names; so for smaller copies."""
    for images in [folder / "images", *sorted(folder.glob("images_*"))]:
        assert sorted(path.name for path in images.iterdir()) == sorted(names)


def _binary_agrees(model: Path, cameras: int, images: int, points: int) -> None:
    """OpenSplat reads .bin only; others prefer one or the other."""
    for name, count in (("cameras", cameras), ("images", images), ("points3D", points)):
        assert struct.unpack("<Q", (model / f"{name}.bin").read_bytes()[:8])[0] == count


def text_model(folder: Path) -> tuple[dict, dict, dict]:
    """cameras, images and points3D .txt to the letter of COLMAP's description of them."""
    cameras = {}
    for line in _lines(folder / "cameras.txt"):
        number, model, width, height, *params = line.split(" ")
        cameras[int(number)] = (model, int(width), int(height), [float(each) for each in params])
    images, seen_by, lines = {}, {}, _lines(folder / "images.txt")
    assert len(lines) % 2 == 0
    for head, tail in zip(lines[::2], lines[1::2], strict=True):
        assert _IMAGE_LINE.fullmatch(head), head
        assert _POINTS_LINE.fullmatch(tail), tail[:80]
        parts = head.split(" ")
        qw, qx, qy, qz, *shift = (float(each) for each in parts[1:8])
        pose = np.eye(4)
        pose[:3, :3] = Rotation.from_quat([qx, qy, qz, qw]).as_matrix()
        pose[:3, 3] = shift
        observations = np.array(tail.split(), dtype=float).reshape(-1, 3)
        assert np.isclose(np.linalg.norm([qw, qx, qy, qz]), 1.0)
        assert int(parts[8]) in cameras
        assert parts[9] not in images
        assert int(parts[0]) not in seen_by
        images[parts[9]] = (int(parts[8]), pose, observations)
        seen_by[int(parts[0])] = observations[:, 2]
    points = {}
    for line in _lines(folder / "points3D.txt"):
        assert _POINT_LINE.fullmatch(line), line[:80]
        parts = line.split(" ")
        assert max(int(each) for each in parts[4:7]) <= 255
        assert int(parts[0]) not in points
        points[int(parts[0])] = (np.array(parts[1:4], dtype=float), (len(parts) - 8) // 2)
        # Each observation is named by its image too, once.
        track = [(int(image), int(row)) for image, row in zip(parts[8::2], parts[9::2], strict=True)]
        assert len(set(track)) == len(track)
        assert {int(seen_by[image][row]) for image, row in track} == {int(parts[0])}
    observed = sum(int((numbers >= 0).sum()) for numbers in seen_by.values())
    assert observed == sum(length for _, length in points.values())
    return cameras, images, points


def _lines(path: Path) -> list[str]:
    content = path.read_text(encoding="ascii").split("\n")
    assert content[-1] == ""
    return [line for line in content[:-1] if not line.startswith("#")]


@dataclass(frozen=True)
class Frame:
    """A frame of transforms.json, its files found. The pose is OpenCV's, in the world of the file."""

    image: Path
    camera: dict[str, float]
    world_from_cam: np.ndarray
    mask: Path | None
    depth: Path | None


def nerfstudio_folder(folder: Path, factor: int = 1) -> tuple[list[Frame], np.ndarray]:
    """As nerfstudio's default data parser: intrinsics of all or of each, masks and depths for all frames or
    none, smaller copies under images_N, masks_N, depths_N. Also applied_transform."""
    meta = json.loads((folder / "transforms.json").read_text(encoding="ascii"))
    assert meta["camera_model"] == "OPENCV"  # Brush refuses PINHOLE.
    frames = [_frame(folder, meta, frame, factor) for frame in meta["frames"]]
    for kind in ("mask", "depth"):
        assert len({getattr(frame, kind) is None for frame in frames}) == 1
    assert (folder / meta["ply_file_path"]).is_file()
    return frames, np.array(meta["applied_transform"])


def _frame(folder: Path, meta: dict, frame: dict, factor: int) -> Frame:
    def found(key: str) -> Path | None:
        if key not in frame:
            return None
        place = Path(frame[key])
        path = folder / place if factor == 1 else folder / f"{place.parent}_{factor}" / place.name
        assert path.is_file(), path
        return path

    keys = ("w", "h", "fl_x", "fl_y", "cx", "cy", "k1", "k2", "p1", "p2")
    everywhere = [key in meta for key in keys]
    assert all(everywhere) or not any(everywhere)
    camera = {key: float((meta if everywhere[0] else frame)[key]) for key in keys}
    image = found("file_path")
    assert image is not None
    with Image.open(image) as picture:
        assert picture.size == (camera["w"] // factor, camera["h"] // factor)
        assert picture.getexif().get(274, 1) == 1
    world_from_cam = np.array(frame["transform_matrix"]) @ np.diag([1.0, -1.0, -1.0, 1.0])
    assert world_from_cam.shape == (4, 4)
    assert np.isclose(np.linalg.det(world_from_cam[:3, :3]), 1.0)
    return Frame(image, camera, world_from_cam, found("mask_path"), found("depth_file_path"))


def ply_properties(path: Path) -> list[str]:
    head = path.read_bytes().split(b"end_header\n")[0].decode("ascii")
    return [line.split()[-1] for line in head.splitlines() if line.startswith("property")]
