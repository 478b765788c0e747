"""Scores of localized photos whose errors are known by construction."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import InputError
from dust3r_sfm.evaluation import PosedCamera, read_posed_cameras, score_localization
from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.io import read_poses
from dust3r_sfm.types import Camera

SHARED = Path(__file__).parents[2].parent / "shared"
FAR_CM = np.array([0.5, 1.5, 4.0, 20.0, 45.0, 300.0])
TURNED_DEG = np.array([0.5, 1.9, 0.1, 1.0, 4.0, 0.0])


def pose(centre: np.ndarray, turn: np.ndarray) -> np.ndarray:
    rotation = rotation_from_vector(turn)
    return rigid(rotation, -rotation @ centre)


CAMERA = Camera.pinhole(64, 48, 60.0, 60.0, 32.0, 24.0)


@pytest.fixture
def truth() -> dict[str, PosedCamera]:
    random = np.random.default_rng(0)
    poses = [pose(random.normal(size=3), random.normal(size=3)) for _ in FAR_CM]
    return {f"seq/{k}.jpg": PosedCamera(CAMERA, p) for k, p in enumerate(poses)}


@pytest.fixture
def localized(truth: dict[str, PosedCamera]) -> dict[str, np.ndarray]:
    """Off by `FAR_CM` along some axis of the world, and turned about some axis of the camera."""
    random, found = np.random.default_rng(1), {}
    for (name, photo), far_cm, turned_deg in zip(truth.items(), FAR_CM, TURNED_DEG, strict=True):
        axis, along = (v / np.linalg.norm(v) for v in random.normal(size=(2, 3)))
        rotation = rotation_from_vector(np.radians(turned_deg) * axis) @ photo.cam_from_world[:3, :3]
        found[name] = rigid(rotation, -rotation @ (photo.centre + far_cm / 100 * along))
    return found


def test_distances_and_angles(truth: dict[str, PosedCamera], localized: dict[str, np.ndarray]) -> None:
    scores = score_localization(localized, truth)
    assert (scores.queries, scores.answered) == (6, 6)
    assert scores.median_cm == pytest.approx(12.0)
    assert scores.median_deg == pytest.approx(0.75)
    recalls = (
        scores.recall_1cm_1deg,
        scores.recall_2cm_2deg,
        scores.recall_5cm_5deg,
        scores.recall_25cm_2deg,
        scores.recall_50cm_5deg,
    )
    assert recalls == pytest.approx(np.array([1, 2, 3, 4, 5]) / 6)


def test_the_unit_of_the_truth(truth: dict[str, PosedCamera], localized: dict[str, np.ndarray]) -> None:
    assert score_localization(localized, truth, unit_cm=1.0).median_cm == pytest.approx(0.12)


def test_photos_without_a_pose_are_infinitely_far_off(
    truth: dict[str, PosedCamera], localized: dict[str, np.ndarray]
) -> None:
    few = {name: localized[name] for name in list(truth)[:2]}
    scores = score_localization(few, truth)
    assert (scores.answered, scores.recall_50cm_5deg) == (2, pytest.approx(2 / 6))
    assert (scores.median_cm, scores.median_deg) == (None, None)


def test_only_the_queries_count(truth: dict[str, PosedCamera], localized: dict[str, np.ndarray]) -> None:
    scores = score_localization(localized, truth, ["1.jpg", "seq/2.jpg"])
    assert (scores.queries, scores.answered) == (2, 2)
    assert scores.median_cm == pytest.approx(2.75)
    with pytest.raises(InputError, match=r"has no photo 'other.jpg'"):
        score_localization(localized, truth, ["other.jpg"])


@pytest.mark.realdata
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not on this machine")
def test_figures_are_those_of_the_shared_tool(tmp_path: Path) -> None:
    folder = SHARED / "data" / "sevenscenes_redkitchen" / "gt"
    truth, queries = read_posed_cameras(folder), (folder / "query_list.txt").read_text().split()
    random, lines = np.random.default_rng(0), []
    for name in queries[3:]:
        photo = truth[name]
        rotation = rotation_from_vector(np.radians(random.normal(0, 1.0, 3))) @ photo.cam_from_world[:3, :3]
        x, y, z, w = Rotation.from_matrix(rotation).as_quat()
        tx, ty, tz = -rotation @ (photo.centre + random.normal(0, 0.02, 3))
        lines.append(f"{name} {w} {x} {y} {z} {tx} {ty} {tz}")
    poses = tmp_path / "poses.txt"
    poses.write_text("\n".join(lines))
    tool = [sys.executable, str(SHARED / "tools" / "evaluate_localization.py"), str(poses), str(folder)]
    done = subprocess.run(
        [*tool, "--queries", str(folder / "query_list.txt")], capture_output=True, text=True, check=True
    )
    theirs, ours = json.loads(done.stdout), score_localization(read_poses(poses), truth, queries)
    assert 0.01 < theirs["5cm_5deg"] < 0.99, "something to tell apart"
    assert (ours.queries, ours.answered) == (theirs["queries"], theirs["answered"])
    assert ours.median_cm == pytest.approx(theirs["median_cm"], abs=6e-4)
    assert ours.median_deg == pytest.approx(theirs["median_deg"], abs=6e-4)
    for limits in ("1cm_1deg", "2cm_2deg", "5cm_5deg", "25cm_2deg", "50cm_5deg"):
        assert getattr(ours, f"recall_{limits}") == pytest.approx(theirs[limits], abs=6e-5)
