"""Scores of poses whose errors are known by construction."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dust3r_sfm.evaluation import PosedCamera, pair_errors_deg, read_posed_cameras, score_poses
from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.types import Camera

SHARED = Path(__file__).parents[2].parent / "shared"
CENTRES = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])


def posed(centre: np.ndarray, turn_deg: np.ndarray, focal: float = 100.0) -> PosedCamera:
    rotation = rotation_from_vector(np.radians(turn_deg))
    camera = Camera.pinhole(120, 90, focal, focal, 60.0, 45.0)
    return PosedCamera(camera, rigid(rotation, -rotation @ centre))


@pytest.fixture
def truth() -> dict[str, PosedCamera]:
    turns = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 5.0], [0.0, 40.0, 0.0], [170.0, 0.0, 0.0]])
    return {f"{k}.jpg": posed(c, t) for k, (c, t) in enumerate(zip(CENTRES, turns, strict=True))}


def test_any_similarity_of_the_truth_is_perfect(truth: dict[str, PosedCamera]) -> None:
    turn, shift = rotation_from_vector(np.array([0.3, -1.0, 0.5])), np.array([5.0, -7.0, 1.0])
    moved = {}
    for name, photo in truth.items():
        rotation = photo.cam_from_world[:3, :3] @ turn.T
        centre = 3.0 * turn @ photo.centre + shift
        moved[name] = replace(photo, cam_from_world=rigid(rotation, -rotation @ centre))
    scores = score_poses(moved, truth)
    assert (scores.registered, scores.rra_5, scores.rta_5, scores.maa_30) == (4, 1.0, 1.0, 1.0)
    assert scores.median_rotation_error_deg < 1e-5
    assert scores.ate == pytest.approx(0.0, abs=1e-12)
    assert scores.focal_error == pytest.approx(0.0, abs=1e-12)


def test_one_turned_camera_costs_its_own_pairs(truth: dict[str, PosedCamera]) -> None:
    turn = rotation_from_vector(np.radians([0.0, 0.0, 7.5]))
    photo = truth["3.jpg"]
    rotation = turn @ photo.cam_from_world[:3, :3]
    wrong = truth | {"3.jpg": replace(photo, cam_from_world=rigid(rotation, -rotation @ photo.centre))}
    rotation_deg, _ = pair_errors_deg(wrong, truth)
    np.testing.assert_allclose(sorted(rotation_deg), [0, 0, 0, 7.5, 7.5, 7.5], atol=1e-5)
    scores = score_poses(wrong, truth)
    assert scores.rra_5 == pytest.approx(0.5)
    # half of the pairs pass every threshold, the others those from 8 to 30 degrees
    assert scores.maa_30 == pytest.approx(0.5 + 0.5 * 23 / 30)
    assert scores.ate == pytest.approx(0.0, abs=1e-12)


def test_a_truth_from_one_place_has_no_relative_centre_error(truth: dict[str, PosedCamera]) -> None:
    one_place = {f"{k}.jpg": posed(np.ones(3), np.array([0.0, 30.0 * k, 0.0])) for k in range(4)}
    assert score_poses(truth, one_place).ate is None


def test_two_true_cameras_in_one_place_have_no_direction_to_err_in(truth: dict[str, PosedCamera]) -> None:
    """As templeSR0001 and templeSR0011 are: whatever small shift is found between them says nothing."""
    twins = truth | {"twin.jpg": truth["3.jpg"]}
    shifted = rigid(np.eye(3), np.array([1e-3, 0.0, 0.0])) @ truth["3.jpg"].cam_from_world
    found = twins | {"twin.jpg": replace(truth["3.jpg"], cam_from_world=shifted)}
    assert score_poses(found, twins).rta_2 == 1.0


def test_a_missing_photo_fails_its_pairs(truth: dict[str, PosedCamera]) -> None:
    found = {name: photo for name, photo in truth.items() if name != "0.jpg"}
    scores = score_poses(found, truth)
    assert (scores.registered, scores.photos) == (3, 4)
    assert (scores.rra_5, scores.rta_5, scores.maa_30) == pytest.approx((0.5, 0.5, 0.5))


def test_no_model_scores_nothing(truth: dict[str, PosedCamera], tmp_path: Path) -> None:
    scores = score_poses(read_posed_cameras(tmp_path), truth)
    assert (scores.registered, scores.maa_30, scores.ate, scores.focal_error) == (0, 0.0, None, None)


def test_centre_error_is_relative_to_the_rig(truth: dict[str, PosedCamera]) -> None:
    """Centres (+-1, 0, 0) and (0, +-1, 0) whose second pair is at +-1.2: the best fit has scale
    (1 + 1.2) / (1 + 1.44), and what is left follows."""
    corners = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    names = sorted(truth)
    square = {name: posed(c, np.zeros(3)) for name, c in zip(names, corners, strict=True)}
    oblong = {name: posed(c * [1.0, 1.2, 1.0], np.zeros(3)) for name, c in zip(names, corners, strict=True)}
    scale = 2.2 / 2.44
    expected = np.sqrt(((1 - scale) ** 2 + (1 - 1.2 * scale) ** 2) / 2)
    assert score_poses(oblong, square).ate == pytest.approx(expected)


def test_focals_of_other_resolutions_compare(truth: dict[str, PosedCamera]) -> None:
    camera = Camera.pinhole(240, 180, 220.0, 220.0, 120.0, 90.0)
    larger = {name: replace(photo, camera=camera) for name, photo in truth.items()}
    assert score_poses(larger, truth).focal_error == pytest.approx(0.1)


def test_cameras_are_those_of_the_model(tmp_path: Path) -> None:
    cameras = ["7 SIMPLE_RADIAL 120 90 100.0 60.0 45.0 0.01", "8 FOV 120 90 100.0 110.0 60.0 45.0 0.2"]
    (tmp_path / "cameras.txt").write_text("\n".join(cameras))
    (tmp_path / "images.txt").write_text("1 0 1 0 0 0 0 2 7 a b.jpg\n\n2 1 0 0 0 1 0 0 8 c.jpg\n\n")
    found = read_posed_cameras(tmp_path)
    # half a turn about x: what is 2 in front of the camera is 2 above in the world
    np.testing.assert_allclose(found["a b.jpg"].centre, [0, 0, 2], atol=1e-12)
    np.testing.assert_allclose(found["c.jpg"].centre, [-1, 0, 0], atol=1e-12)
    assert found["a b.jpg"].camera == Camera("SIMPLE_RADIAL", 120, 90, (100.0, 60.0, 45.0, 0.01))
    assert found["c.jpg"].camera == Camera("FOV", 120, 90, (100.0, 110.0, 60.0, 45.0, 0.2))


def test_photos_are_found_by_stem(truth: dict[str, PosedCamera]) -> None:
    renamed = {f"{k}.png": photo for k, photo in enumerate(truth.values())}
    assert score_poses(renamed, truth).registered == 4


def test_cameras_put_in_one_place_have_no_right_directions(
    truth: dict[str, PosedCamera],
) -> None:
    heap = {name: replace(photo, cam_from_world=np.eye(4)) for name, photo in truth.items()}
    assert score_poses(heap, truth).rta_15 == 0.0


def test_equal_file_names_in_different_folders_are_not_mixed_up(truth: dict[str, PosedCamera]) -> None:
    true = {"left/a.jpg": truth["0.jpg"], "right/a.jpg": truth["1.jpg"], "right/b.jpg": truth["2.jpg"]}
    assert score_poses(true, true).registered == 3
    elsewhere = {f"photos/{name}": photo for name, photo in true.items()}
    assert score_poses(elsewhere, true).registered == 3, "folders above are no other photos"
    flat = {"a.jpg": truth["0.jpg"], "b.jpg": truth["2.jpg"]}
    assert score_poses(flat, true).registered == 1, "a may be either"
    left = {"left/a.jpg": truth["0.jpg"]}
    assert score_poses(left, true).registered == 1, "no photo stands for another folder's"
    assert score_poses({"left/b.jpg": truth["2.jpg"]}, true).registered == 0


@pytest.mark.realdata
@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not on this machine")
@pytest.mark.parametrize("name", ["strecha_fountain_p11", "kitti_odometry_seq1"])
def test_figures_are_those_of_the_shared_tool(name: str, tmp_path: Path) -> None:
    """A model of the true poses under noise, moved by a similarity, without two photos, in other units."""
    truth = read_posed_cameras(SHARED / "data" / name / "gt")
    model = noisy_text_model(truth, tmp_path)
    ours = score_poses(read_posed_cameras(model), truth)
    tool = [sys.executable, str(SHARED / "tools" / "evaluate_poses.py"), str(model)]
    done = subprocess.run(
        [*tool, str(SHARED / "data" / name / "gt")], capture_output=True, text=True, check=True
    )
    theirs = json.loads(done.stdout)
    assert 0.01 < theirs["mAA@30"] < 0.99, "something to tell apart"
    assert (ours.photos, ours.registered) == (theirs["images"], theirs["registered"])
    for limit in (2, 5, 15):
        assert getattr(ours, f"rra_{limit}") == pytest.approx(theirs[f"RRA@{limit}"], abs=6e-5)
        assert getattr(ours, f"rta_{limit}") == pytest.approx(theirs[f"RTA@{limit}"], abs=6e-5)
    assert ours.maa_30 == pytest.approx(theirs["mAA@30"], abs=6e-5)
    assert ours.median_rotation_error_deg == pytest.approx(theirs["RRE_median"], abs=6e-5)
    assert ours.median_direction_error_deg == pytest.approx(theirs["RTE_median"], abs=6e-5)
    assert ours.ate == pytest.approx(theirs["ATE"], abs=6e-6)
    assert ours.focal_error == pytest.approx(theirs["focal"], abs=6e-5)


def noisy_text_model(truth: dict[str, PosedCamera], folder: Path) -> Path:
    random = np.random.default_rng(0)
    size = np.std([photo.centre for photo in truth.values()])
    cameras, images = [], []
    for number, name in enumerate(sorted(truth)[2:], start=1):
        photo = truth[name]
        turn = rotation_from_vector(np.radians(random.normal(0, 2.0, 3)))
        rotation = turn @ photo.cam_from_world[:3, :3]
        centre = 3.0 * (photo.centre + random.normal(0, 0.05 * size, 3)) + 10.0
        x, y, z, w = Rotation.from_matrix(rotation).as_quat()
        tx, ty, tz = -rotation @ centre
        width, height = photo.camera.width, photo.camera.height
        focal = photo.camera.fx * random.uniform(0.9, 1.1)
        cameras.append(f"{number} SIMPLE_RADIAL {width} {height} {focal} {width / 2} {height / 2} 0.01")
        images += [f"{number} {w} {x} {y} {z} {tx} {ty} {tz} {number} {name}", ""]
    (folder / "cameras.txt").write_text("\n".join(cameras))
    (folder / "images.txt").write_text("\n".join(images))
    return folder
