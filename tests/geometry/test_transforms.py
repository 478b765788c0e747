"""Rigid transforms against closed forms, over batch axes, near the identity and near pi."""

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    invert_rigid,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
    vector_from_rotation,
)

BATCHES = [(), (1,), (3, 1, 2)]
ANGLES = [0.0, 1e-12, 1e-6, 0.7, np.pi - 1e-6, np.pi - 1e-10]
TOLERANCE = 1e-8


def vectors(batch: tuple[int, ...], angle: float) -> np.ndarray:
    axes = np.random.default_rng(3).normal(size=(*batch, 3))
    return axes / np.linalg.norm(axes, axis=-1, keepdims=True) * angle


def rodrigues(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix by Rodrigues' formula, one vector at a time."""
    angle = np.linalg.norm(vector)
    if angle == 0:
        return np.eye(3)
    x, y, z = vector / angle
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("angle", ANGLES)
def test_rotation_from_vector_is_rodrigues_formula(batch: tuple[int, ...], angle: float) -> None:
    vector = vectors(batch, angle)
    expected = np.array([rodrigues(v) for v in vector.reshape(-1, 3)]).reshape(*batch, 3, 3)
    np.testing.assert_allclose(rotation_from_vector(vector), expected, atol=TOLERANCE)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("angle", ANGLES)
def test_vector_from_rotation_inverts(batch: tuple[int, ...], angle: float) -> None:
    vector = vectors(batch, angle)
    np.testing.assert_allclose(vector_from_rotation(rotation_from_vector(vector)), vector, atol=TOLERANCE)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("angle", [*ANGLES, np.pi])
def test_rotation_angle_is_the_length_of_the_vector(batch: tuple[int, ...], angle: float) -> None:
    angles = rotation_angle_deg(rotation_from_vector(vectors(batch, angle)))
    assert angles.shape == batch
    np.testing.assert_allclose(angles, np.degrees(angle), atol=np.degrees(TOLERANCE))


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("angle", ANGLES)
def test_inverse_undoes(batch: tuple[int, ...], angle: float) -> None:
    b_from_a = rigid(rotation_from_vector(vectors(batch, angle)), vectors(batch, 5.0))
    product = invert_rigid(b_from_a) @ b_from_a
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(4), (*batch, 4, 4)), atol=TOLERANCE)


@pytest.mark.parametrize("batch", BATCHES)
def test_transform_points_is_scaled_rotation_and_shift(batch: tuple[int, ...]) -> None:
    rotation, shift = rotation_from_vector(vectors(batch, 0.9)), vectors(batch, 2.0)
    points = np.random.default_rng(5).normal(size=(*batch, 4, 3))
    expected = 3.0 * np.einsum("...ij,...nj->...ni", rotation, points) + shift[..., None, :]
    np.testing.assert_allclose(
        transform_points(rigid(3.0 * rotation, shift), points), expected, atol=TOLERANCE
    )


def test_no_rotations_give_no_vectors() -> None:
    assert rotation_from_vector(np.zeros((0, 3))).shape == (0, 3, 3)
    assert vector_from_rotation(np.zeros((0, 3, 3))).shape == (0, 3)
