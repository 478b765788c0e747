"""`dust3r-sfm evaluate` on models with errors made on purpose."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dust3r_sfm.cli import main
from dust3r_sfm.geometry import rotation_from_vector

COUNT = 6
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = main(["evaluate", *(str(argument) for argument in arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def pose_lines(turned_deg: float = 0.0, moved: float = 0.0, scale: float = 1.0) -> list[str]:
    """Fields `qw qx qy qz tx ty tz` of six photos; photo 0 is turned and moved."""
    random, lines = np.random.default_rng(0), []
    for k in range(COUNT):
        rotation = rotation_from_vector(random.normal(size=3))
        centre = scale * random.normal(size=3)
        if k == 0:
            rotation = rotation_from_vector(np.radians([turned_deg, 0, 0])) @ rotation
            centre = centre + [0.0, moved, 0.0]
        x, y, z, w = Rotation.from_matrix(rotation).as_quat()
        lines.append(" ".join(str(value) for value in (w, x, y, z, *(-rotation @ centre))))
    return lines


def write_model(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(parents=True)
    (folder / "cameras.txt").write_text("1 PINHOLE 64 48 60 60 32 24\n")
    images = [f"{k + 1} {line} 1 {k}.jpg\n\n" for k, line in enumerate(lines)]
    (folder / "images.txt").write_text("".join(images))
    return folder


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write_model(tmp_path / "gt", pose_lines())


def test_a_reconstruction(tmp_path: Path, truth: Path, run: Run) -> None:
    """One of six photos is turned by 10 degrees: it is in 5 of 15 pairs."""
    write_model(tmp_path / "out" / "sparse" / "0", pose_lines(turned_deg=10.0, scale=3.0))
    code, out, err = run(tmp_path / "out", truth, "--json", tmp_path / "scores.json")
    assert (code, err) == (0, "")
    assert out.startswith("6 of 6 images registered\n")
    assert "RRA@2 0.667, @5 0.667, @15 1.000" in out
    assert "ATE 0.00000 of the true rig's size" in out
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert (scores["kind"], scores["rra_5"]) == ("reconstruction", pytest.approx(2 / 3))


def test_localized_photos(tmp_path: Path, truth: Path, run: Run) -> None:
    poses = tmp_path / "poses.txt"
    poses.write_text("\n".join(f"{k}.jpg {line}" for k, line in enumerate(pose_lines(0.5, 0.03)[:4])))
    (tmp_path / "queries.txt").write_text("# asked for\n0.jpg\n1.jpg\n2.jpg\n5.jpg\n")
    queries = "--queries", tmp_path / "queries.txt"
    code, out, _ = run(poses, truth, *queries, "--json", tmp_path / "scores.json")
    assert code == 0
    assert out.startswith("3 of 4 queries have a pose\n")
    assert "0.500 at 1 cm 1 deg, 0.500 at 2 cm 2 deg, 0.750 at 5 cm 5 deg" in out
    assert json.loads((tmp_path / "scores.json").read_text())["kind"] == "localization"
    code, out, _ = run(poses, truth, *queries, "--unit-cm", "10")
    assert "0.750 at 1 cm 1 deg" in out


def test_a_model_in_the_truth_s_own_world(tmp_path: Path, truth: Path, run: Run) -> None:
    model = write_model(tmp_path / "model", pose_lines(scale=3.0))
    assert "mAA@30 1.0000" in run(model, truth)[1]
    assert "0.000 at 5 cm 5 deg" in run(model, truth, "--localization")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gone", "gt"], "gone: holds no COLMAP model"),
        (["gt", "gone"], "gone: holds no COLMAP model"),
        (["gt", "gt", "--queries", "gone.txt"], "--queries: asks for localized photos"),
        (["gt", "gt", "--localization", "--queries", "gone.txt"], "gone.txt: cannot be read"),
        (["gt", "gt", "--localization", "--unit-cm", "0"], "--unit-cm 0.0: give more than 0"),
        (["gt/cameras.txt", "gt"], "is not 'name qw qx qy qz tx ty tz'"),
    ],
)
def test_what_is_refused(
    tmp_path: Path,
    truth: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert says in err


def test_a_json_that_cannot_be_written(tmp_path: Path, truth: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(truth, truth, "--json", tmp_path / "file" / "folder.json")
    assert code == 3
    assert "folder.json" in err


@pytest.mark.parametrize(
    ("target", "called"),
    [
        ("gt/images.txt", "TRUTH"),
        ("out/sparse/0/images.txt", "ESTIMATE"),
        ("out/report.json", "ESTIMATE"),
        ("link.json", "TRUTH"),
    ],
)
def test_what_is_read_is_not_written_over(
    tmp_path: Path, truth: Path, run: Run, target: str, called: str
) -> None:
    write_model(tmp_path / "out" / "sparse" / "0", pose_lines())
    (tmp_path / "out" / "report.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(truth / "cameras.txt")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    code, out, err = run(tmp_path / "out", truth, "--json", tmp_path / target)
    assert (code, out) == (3, "")
    assert f"{target}: is {called} (" in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
