import numpy as np
import pytest

from dust3r_sfm.alignment.bundle.tracks import Observations, observations_from_correspondences
from dust3r_sfm.alignment.bundle.triangulation import (
    Rays,
    rays,
    reprojection_errors,
    triangulate,
    widest_angles_deg,
)
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.types import Correspondences, Pair


def matches(*rows):
    """Each row: x in view i, x in view j; every y is twice x."""
    x_i, x_j = np.array(rows, dtype=float).reshape(-1, 2).T
    return Correspondences(
        np.column_stack([x_i, 2 * x_i]), np.column_stack([x_j, 2 * x_j]), np.ones(len(rows))
    )


def as_sets(observations):
    """Tracks as sets of (view, x)."""
    found = {}
    for point, view, pixel in zip(
        observations.point_index, observations.view_index, observations.pixels, strict=True
    ):
        assert pixel[1] == 2 * pixel[0]
        found.setdefault(int(point), set()).add((int(view), float(pixel[0])))
    return sorted(map(sorted, found.values()))


def test_matches_that_share_a_pixel_become_one_track():
    found = observations_from_correspondences(
        {
            Pair(0, 1): matches((1, 11), (2, 12)),
            Pair(1, 2): matches((11, 21)),
            Pair(3, 2): matches((31, 21), (9, 8)),
        }
    )
    assert as_sets(found) == [
        [(0, 1.0), (1, 11.0), (2, 21.0), (3, 31.0)],
        [(0, 2.0), (1, 12.0)],
        [(2, 8.0), (3, 9.0)],
    ]
    assert found.num_points == 3
    order = np.lexsort((found.view_index, found.point_index))
    np.testing.assert_array_equal(order, np.arange(len(order)))


def test_both_directions_of_a_pair_are_the_same_tracks():
    forward = matches((1, 11), (2, 12))
    once = observations_from_correspondences({Pair(0, 1): forward})
    twice = observations_from_correspondences({Pair(0, 1): forward, Pair(1, 0): forward.swap()})
    assert as_sets(once) == as_sets(twice) == [[(0, 1.0), (1, 11.0)], [(0, 2.0), (1, 12.0)]]


def test_two_places_of_one_view_in_a_track_are_both_left_out():
    found = observations_from_correspondences(
        {Pair(0, 1): matches((1, 11)), Pair(1, 2): matches((11, 21)), Pair(0, 2): matches((5, 21))}
    )
    assert as_sets(found) == [[(1, 11.0), (2, 21.0)]]
    torn = observations_from_correspondences({Pair(0, 1): matches((1, 11), (2, 11))})
    assert torn.num_points == 0


def test_no_matches_are_no_tracks():
    for nothing in ({}, {Pair(0, 1): matches()}):
        found = observations_from_correspondences(nothing)
        assert (found.num_points, found.pixels.shape) == (0, (0, 2))


def seen_by_all(truth, xyz):
    """Exact observations of world points in every view."""
    count = len(truth.cameras)
    pixels = [
        project(transform_points(pose, xyz), camera)
        for pose, camera in zip(truth.cam_from_world, truth.cameras, strict=True)
    ]
    return Observations(
        np.repeat(np.arange(len(xyz)), count),
        np.tile(np.arange(count), len(xyz)),
        np.stack(pixels, axis=1).reshape(-1, 2),
    )


@pytest.fixture
def three(scenes):
    """Three views 14 degrees apart with cameras of their own, and points before all of them."""
    truth = scenes.arc(
        [scenes.camera(48, 36, 44.0), scenes.camera(36, 48, 50.0), scenes.camera(48, 36, 60.0)]
    )
    xyz = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 3))
    return truth, xyz, seen_by_all(truth, xyz)


def test_exact_observations_give_exact_points(three):
    truth, xyz, observations = three
    seen = rays(observations, truth.cameras, truth.cam_from_world)
    np.testing.assert_allclose(np.linalg.norm(seen.directions, axis=1), 1.0)
    found = triangulate(observations, seen, np.full(len(observations.pixels), 1.0), 6)
    np.testing.assert_allclose(found, xyz, atol=1e-8)
    assert reprojection_errors(observations, seen, found).max() < 1e-6


def test_one_wrong_observation_of_three_is_outvoted(three):
    truth, _, observations = three
    wrong = observations.view_index == observations.point_index % 3
    pixels = observations.pixels + wrong[:, None] * [0.0, 7.0]
    moved = Observations(observations.point_index, observations.view_index, pixels)
    seen = rays(moved, truth.cameras, truth.cam_from_world)
    errors = reprojection_errors(moved, seen, triangulate(moved, seen, np.full(len(moved.pixels), 0.25), 6))
    assert errors[~wrong].max() < 0.05
    np.testing.assert_allclose(errors[wrong], 7.0, atol=0.05)


def test_errors_are_pixels_and_infinite_behind_the_camera(three):
    truth, xyz, observations = three
    seen = rays(observations, truth.cameras, truth.cam_from_world)
    pixels = observations.pixels + [3.0, -4.0]
    shifted = Observations(observations.point_index, observations.view_index, pixels)
    np.testing.assert_allclose(reprojection_errors(shifted, seen, xyz), 5.0)
    away = 2 * seen.centres[0] - xyz
    assert np.isinf(reprojection_errors(observations, seen, away)[observations.view_index == 0]).all()


def test_widest_angles():
    """Two rays at 30 degrees, and a fan of three over 40 degrees."""
    angles = np.radians([0.0, 30.0, -20.0, 20.0, 0.0])
    directions = np.stack([np.sin(angles), np.zeros(5), np.cos(angles)], axis=-1)
    observations = Observations(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 2]), np.zeros((5, 2)))
    seen = Rays(np.zeros((5, 3)), directions, np.tile(np.eye(4), (5, 1, 1)), np.ones((5, 5)))
    np.testing.assert_allclose(widest_angles_deg(observations, seen, 2), [30.0, 40.0])
