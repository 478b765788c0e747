"""Disks with too little room: a clean end that says where and how much, and what was there stays."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from known_room import LookupRegressor, make_room
from plane_world import MIXED, plane_scene, write_photos

from dust3r_sfm.cli import main
from dust3r_sfm.dense.point_cloud import PointCloud
from dust3r_sfm.errors import OutputError
from dust3r_sfm.exporters.mesh import MeshConfig, export_mesh
from dust3r_sfm.io.arrays import write_arrays
from dust3r_sfm.io.outputs.colmap_writing import write_binary_model, write_text_model
from dust3r_sfm.io.scene_file import save_scene


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of its own, of `request.param` kilobytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def model(keypoints: int) -> pycolmap.Reconstruction:
    made = pycolmap.Reconstruction()
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(camera_id=1, model="RADIAL", width=100, height=80, params=[99, 50, 40, 0.1, 0.01])
    )
    for number in (1, 2):
        image = pycolmap.Image(name=f"größer {number}.png", camera_id=1, image_id=number)
        image.points2D = [pycolmap.Point2D(np.array([1.0, 2.0])) for _ in range(keypoints)]
        made.add_image_with_trivial_frame(image, pycolmap.Rigid3d(np.eye(4)[:3]))
    for row in range(keypoints // 2):
        track = pycolmap.Track()
        for number in (1, 2)[: 1 + row % 2]:
            track.add_element(number, row)
        made.add_point3D(np.zeros(3), track)
    return made


@pytest.mark.parametrize("write", [write_binary_model, write_text_model])
def test_whole_models_are_taken_for_whole(tmp_path: Path, write) -> None:
    for keypoints in (0, 1, 7, 50):
        folder = tmp_path / str(keypoints)
        folder.mkdir()
        write(model(keypoints), folder)


@pytest.mark.parametrize("write", [write_binary_model, write_text_model])
@pytest.mark.parametrize("small_disk", [4, 100, 500, 600], indirect=True)
def test_pycolmap_s_silence_is_noticed(small_disk: Path, write) -> None:
    whole = model(20_000)
    with pytest.raises(OSError, match="No space left on device"):
        write(whole, small_disk)


def sphere(count: int) -> PointCloud:
    normals = np.random.default_rng(0).normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return PointCloud(normals, np.full((count, 3), 128, np.uint8), np.ones(count), normals)


@pytest.mark.parametrize("small_disk", [400, 800, 1500], indirect=True)
def test_poissonrecon_s_silence_is_noticed(small_disk: Path) -> None:
    """20 000 points take .5 MB while it works, then 66 000 vertices 3 MB."""
    with pytest.raises(OSError, match="No space left on device"):
        export_mesh(sphere(20_000), small_disk / "mesh.ply", MeshConfig(min_cell=1.0))


@pytest.mark.parametrize("small_disk", [64], indirect=True)
def test_arrays_say_how_much_is_needed_and_where(small_disk: Path) -> None:
    says = rf"No space left on device \(0\.80 MB are needed, 0\.0\d MB are free in {small_disk}\); free space"
    with pytest.raises(OutputError, match=says):
        write_arrays(small_disk / "a.safetensors", "key", {"a": np.zeros(100_000)})
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("small_disk", [100, 200, 400, 600], indirect=True)
def test_a_reconstruction_ends_cleanly(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    room = make_room("hall", 1, 4)
    room.write(tmp_path / "photos")
    monkeypatch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor((room,)))
    out = small_disk / "out"
    out.mkdir()
    (out / "report.json").write_text("of the former run")
    code = main(["reconstruct", str(tmp_path / "photos"), str(out), "--overwrite"])
    last = capfd.readouterr().err.splitlines()[-1]
    assert code == 3, last
    assert "No space left on device (" in last
    assert f"are free in {small_disk}" in last
    assert "are needed" in last
    assert last.endswith("free space or choose another output")
    assert (out / "report.json").read_text() == "of the former run"
    assert sorted(path.name for path in out.iterdir()) in ([".work", "report.json"], ["report.json"])
    assert main(["reconstruct", str(tmp_path / "photos"), str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("form", ["colmap", "nerfstudio", "ply", "glb", "depth"])
@pytest.mark.parametrize("small_disk", [8], indirect=True)
def test_an_export_ends_cleanly(
    small_disk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    write_photos(tmp_path / "photos", MIXED[:4])
    save_scene(plane_scene(tmp_path / "photos", MIXED[:4]), tmp_path / "scene.npz")
    (small_disk / "dataset").mkdir()
    (small_disk / "dataset" / "images").write_text("of a former export")
    code = main(
        [
            *("export", str(tmp_path / "scene.npz"), "--format", form, "--quiet", "--overwrite"),
            *("--output", str(small_disk / "dataset")),
        ]
    )
    (said,) = capfd.readouterr().err.splitlines()
    assert code == 3, said
    assert "No space left on device (" in said
    assert f"are free in {small_disk}" in said
    assert [path.name for path in (small_disk / "dataset").iterdir()] == ["images"]


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    program = (
        "import sys, numpy as np; from pathlib import Path; from dust3r_sfm.io.arrays import write_arrays\n"
        "write_arrays(Path(sys.argv[1]), 'key', {'a': np.zeros(100_000)})\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.safetensors")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "File too large (0.80 MB are needed" in ended.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("small_disk", [50], indirect=True)
@pytest.mark.parametrize("variable", ["TMPDIR", "HOME", "none"])
def test_real_photos_need_no_other_folder(small_disk: Path, tmp_path: Path, variable: str) -> None:
    """Nor one that is full, nor one that is not there."""
    assert main(["example", str(tmp_path / "example"), "--count", "3", "--width", "320"]) == 0
    (small_disk / "full").write_bytes(bytes(48 * 1024))
    environment = {**os.environ, variable: str(small_disk)}
    if variable == "none":
        environment = {**os.environ, "TMPDIR": "/nowhere", "HOME": "/nowhere"}
    before = sorted(small_disk.iterdir())
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "dust3r_sfm.cli", "reconstruct", str(tmp_path / "example" / "images")),
            *(str(tmp_path / "out"), "--regressor", "stereo", "--quiet"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode in (0, 5), ended.stderr
    assert "Traceback" not in ended.stderr
    assert sorted(small_disk.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("small_disk", [1_000, 4_000, 12_000, 50_000], indirect=True)
def test_real_photos_into_a_small_disk(small_disk: Path, tmp_path: Path) -> None:
    """What there is no room for ends with code 3 and leaves the former results; else all is written."""
    assert main(["example", str(tmp_path / "example"), "--count", "3", "--width", "320"]) == 0
    out = small_disk / "out"
    out.mkdir()
    (out / "report.json").write_text("of the former run")
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "dust3r_sfm.cli", "reconstruct", str(tmp_path / "example" / "images")),
            *(str(out), "--regressor", "stereo", "--features", "sift", "--quiet", "--overwrite"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    if ended.returncode == 3:
        assert "No space left on device (" in ended.stderr
        assert "are needed" in ended.stderr
        assert (out / "report.json").read_text() == "of the former run"
        assert sorted(path.name for path in out.iterdir()) in ([".work", "report.json"], ["report.json"])
    else:
        assert ended.returncode in (0, 5), ended.stderr
        assert (out / "sparse" / "0" / "images.bin").exists()
        assert not (out / ".work").exists()
