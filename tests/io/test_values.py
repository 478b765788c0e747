"""One rule for each kind of value that files give."""

import numpy as np
import pytest

from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.io.values import (
    coordinates,
    finite_number,
    image_size,
    pose_from_words,
    rigid_from_matrix,
    rotation_from_quaternion,
)

TURN = rotation_from_vector(np.array([0.3, -0.2, 0.1]))


@pytest.mark.parametrize("word", ["nan", "-inf", "1e999", "", "x", None, [], True, 10**400, "0x10"])
def test_what_is_no_number(word: object) -> None:
    with pytest.raises(ValueError, match=r"is no number|is not finite"):
        finite_number(word)


@pytest.mark.parametrize("words", [["1", "2"], ["1", "2", "3", "4"], ["1e300", "0", "0"], ["nan", "0", "0"]])
def test_what_is_no_place(words: list[str]) -> None:
    with pytest.raises(ValueError, match=r"coordinates|finite"):
        coordinates(words)
    with pytest.raises(ValueError, match=r"coordinates|finite|in place of 7"):
        pose_from_words(["1", "0", "0", "0", *words])


def test_quaternions_are_made_unit_ones() -> None:
    twice = rotation_from_quaternion(["1.4142", "1.4142", "0", "0"])
    np.testing.assert_allclose(twice, [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-15)


@pytest.mark.parametrize(
    "words", ["0 0 0 0", "1e-200 0 0 0", "1e300 0 0 0", "1 0 0", "1 0 0 0 0", "nan 0 0 1"]
)
def test_what_is_no_quaternion(words: str) -> None:
    with pytest.raises(ValueError, match=r"quaternion|finite"):
        rotation_from_quaternion(words.split())


def test_rounded_matrices_become_rigid_ones() -> None:
    pose = rigid(TURN, np.array([1.0, 2.0, 3.0]))
    found = rigid_from_matrix(pose.round(3))
    np.testing.assert_allclose(found, pose, atol=1e-3)
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-14)


@pytest.mark.parametrize(
    ("linear", "said"),
    [
        (2 * TURN, "scales by 2"),
        (-TURN, "mirrors"),
        (np.diag([1.0, 1.0, -1.0]), "mirrors"),
        (np.zeros((3, 3)), "no rotation"),
        (np.full((3, 3), np.nan), "not finite"),
        (np.array([[1, 0.2, 0], [0, 1, 0], [0, 0, 1.0]]), "no rotation"),
    ],
)
def test_what_is_no_pose(linear: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rigid_from_matrix(rigid(linear, np.zeros(3)))


@pytest.mark.parametrize(
    "size", [(0, 480), (-1, 480), (640.5, 480), (1e9, 480), ("x", 480), (float("nan"), 1)]
)
def test_what_is_no_size(size: tuple[object, object]) -> None:
    with pytest.raises(ValueError, match=r"picture of|no number|finite"):
        image_size(*size)
