"""Scores of poses whose errors are known by construction."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.evaluation import PosedPhoto, pair_errors_deg, read_model, score_poses
from dust3r_sfm.geometry import rigid, rotation_from_vector

CENTRES = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])


def posed(centre: np.ndarray, turn_deg: np.ndarray, focal: float = 100.0) -> PosedPhoto:
    rotation = rotation_from_vector(np.radians(turn_deg))
    return PosedPhoto(rigid(rotation, -rotation @ centre), (120, 90), (focal, focal), (60.0, 45.0))


@pytest.fixture
def truth() -> dict[str, PosedPhoto]:
    turns = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 5.0], [0.0, 40.0, 0.0], [170.0, 0.0, 0.0]])
    return {f"{k}.jpg": posed(c, t) for k, (c, t) in enumerate(zip(CENTRES, turns, strict=True))}


def test_any_similarity_of_the_truth_is_perfect(truth: dict[str, PosedPhoto]) -> None:
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


def test_one_turned_camera_costs_its_own_pairs(truth: dict[str, PosedPhoto]) -> None:
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


def test_a_missing_photo_fails_its_pairs(truth: dict[str, PosedPhoto]) -> None:
    found = {name: photo for name, photo in truth.items() if name != "0.jpg"}
    scores = score_poses(found, truth)
    assert (scores.registered, scores.photos) == (3, 4)
    assert (scores.rra_5, scores.rta_5, scores.maa_30) == pytest.approx((0.5, 0.5, 0.5))


def test_no_model_scores_nothing(truth: dict[str, PosedPhoto], tmp_path: Path) -> None:
    scores = score_poses(read_model(tmp_path), truth)
    assert (scores.registered, scores.maa_30, scores.ate, scores.focal_error) == (0, 0.0, None, None)


def test_centre_error_is_relative_to_the_rig(truth: dict[str, PosedPhoto]) -> None:
    """Centres (+-1, 0, 0) and (0, +-1, 0) whose second pair is at +-1.2: the best fit has scale
    (1 + 1.2) / (1 + 1.44), and what is left follows."""
    corners = np.array([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    names = sorted(truth)
    square = {name: posed(c, np.zeros(3)) for name, c in zip(names, corners, strict=True)}
    oblong = {name: posed(c * [1.0, 1.2, 1.0], np.zeros(3)) for name, c in zip(names, corners, strict=True)}
    scale = 2.2 / 2.44
    expected = np.sqrt(((1 - scale) ** 2 + (1 - 1.2 * scale) ** 2) / 2)
    assert score_poses(oblong, square).ate == pytest.approx(expected)


def test_focals_of_other_resolutions_compare(truth: dict[str, PosedPhoto]) -> None:
    larger = {name: replace(photo, size=(240, 180), focal=(220.0, 220.0)) for name, photo in truth.items()}
    assert score_poses(larger, truth).focal_error == pytest.approx(0.1)


def test_text_models_are_read(tmp_path: Path) -> None:
    (tmp_path / "cameras.txt").write_text("# header\n7 SIMPLE_RADIAL 120 90 100.0 60.0 45.0 0.01\n")
    (tmp_path / "images.txt").write_text("# header\n1 0 1 0 0 0 0 2 7 a b.jpg\n\n2 1 0 0 0 1 0 0 7 c.jpg\n\n")
    photos = read_model(tmp_path)
    assert set(photos) == {"a b.jpg", "c.jpg"}
    # half a turn about x: what is 2 in front of the camera is 2 above in the world
    np.testing.assert_allclose(photos["a b.jpg"].centre, [0, 0, 2], atol=1e-12)
    np.testing.assert_allclose(photos["c.jpg"].centre, [-1, 0, 0], atol=1e-12)
    assert (photos["c.jpg"].focal, photos["c.jpg"].principal) == ((100.0, 100.0), (60.0, 45.0))


def test_photos_are_found_by_stem(truth: dict[str, PosedPhoto]) -> None:
    renamed = {f"{k}.png": photo for k, photo in enumerate(truth.values())}
    assert score_poses(renamed, truth).registered == 4
