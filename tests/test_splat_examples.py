"""The programs that splat trainers start from, on a rendered room with exact geometry."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from dust3r_sfm_nerfstudio.command import ProcessDust3r
from dust3r_sfm_nerfstudio.running import run
from known_room import LookupRegressor, Room, make_room
from PIL import Image
from tiny_splats import draw

from dust3r_sfm.geometry import transform_points
from dust3r_sfm.io.scene_file import load_scene
from dust3r_sfm.pipeline import reconstruct_all

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("hall", 1, 4)


@pytest.fixture
def photos(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
    room.write(tmp_path / "photos")
    return tmp_path / "photos"


def read_ply(path: Path) -> tuple[list[str], np.ndarray]:
    """Names of the properties, and x y z."""
    header, body = path.read_bytes().split(b"end_header\n", 1)
    lines = header.decode().splitlines()
    properties = [line.split()[1:] for line in lines if line.startswith("property")]
    sizes = {"float": "<f4", "uchar": "u1"}
    rows = np.frombuffer(body, dtype=[(name, sizes[kind]) for kind, name in properties])
    return [name for _, name in properties], np.stack([rows[name] for name in "xyz"], axis=-1)


def test_gsplat(photos: Path, tmp_path: Path) -> None:
    reconstruct_all(photos, output=tmp_path / "out")
    example = runpy.run_path(str(EXAMPLES / "splat_gsplat.py"))
    scene = load_scene(tmp_path / "out" / "scene.npz")
    found = example["gaussians"](scene, 1500)
    count = len(found["means"])
    assert 500 < count <= 1500
    shapes = {"quats": (4,), "log_scales": (3,), "logit_opacities": (), "sh0": (1, 3)}
    assert {name: tuple(found[name].shape) for name in shapes} == {
        name: (count, *rest) for name, rest in shapes.items()
    }
    assert found["viewmats"].shape == (4, 4, 4)
    # Drawn opaque, they show the room's photos' mean brightness, and leave few pixels empty.
    colours = (0.5 + example["SH_OF_GREY"] * found["sh0"][:, 0]).clamp(0.01, 0.99)
    splats = {
        **{"means": found["means"], "log_scales": found["log_scales"], "turns": found["quats"]},
        **{"colours": torch.logit(colours), "opacities": torch.full((count,), 4.0)},
    }
    height, width = scene.views[0].image.shape[:2]
    drawn = draw(splats, found["Ks"][0], found["viewmats"][0], height, width)
    assert drawn.mean().item() == pytest.approx(scene.views[0].image.mean() / 255, abs=0.05)


def test_the_original_code(photos: Path, tmp_path: Path) -> None:
    reconstruct_all(photos, output=tmp_path / "out")
    count = runpy.run_path(str(EXAMPLES / "splat_original.py"))["write_dataset"](
        tmp_path / "out", tmp_path / "dataset", 1000
    )
    names, points = read_ply(tmp_path / "dataset" / "sparse" / "0" / "points3D.ply")
    assert names == ["x", "y", "z", "nx", "ny", "nz", "red", "green", "blue"]
    assert len(points) == count == 1000
    assert len(list((tmp_path / "dataset" / "images").iterdir())) == 4


def test_nerfstudio(photos: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    assert run(ProcessDust3r(photos, dataset, num_downscales=0)) == 0
    count = runpy.run_path(str(EXAMPLES / "splat_nerfstudio.py"))["densify"](dataset, 1000)
    names, points = read_ply(dataset / "sparse_pc.ply")
    assert (names, len(points)) == (["x", "y", "z", "red", "green", "blue"], count)
    # Seen by the first camera of transforms.json, they lie where its depth map says.
    meta = json.loads((dataset / "transforms.json").read_text())
    frame = meta["frames"][0]
    opengl_from_world = np.linalg.inv(frame["transform_matrix"])
    seen = transform_points(np.diag([1.0, -1.0, -1.0, 1.0]) @ opengl_from_world, points.astype(float))
    depth = np.load(dataset / frame["depth_file_path"]) * 1e-3
    pixels = seen[:, :2] / seen[:, 2:] * [meta["fl_x"], meta["fl_y"]] + [meta["cx"], meta["cy"]]
    size = Image.open(dataset / frame["file_path"]).size
    inside = (seen[:, 2] > 0) & (pixels >= 0).all(axis=1) & (pixels < size).all(axis=1)
    column, row = pixels[inside].astype(int).T
    measured = depth[row, column]
    known = measured > 0
    assert known.sum() > 200
    assert np.median(np.abs(seen[inside, 2][known] / measured[known] - 1)) < 0.01
