"""Turns told from shifts before anything is known of the focal, on exact matches of made-up points."""

import numpy as np
import pytest

from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.view_cameras import view_camera
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.pure_rotation import TurnConfig, Turns, find_turns
from dust3r_sfm.regressors.stereo.repetition import RepetitionConfig, count_doubled_matches
from dust3r_sfm.regressors.stereo.two_view import TwoViewConfig, estimate_epipolar
from dust3r_sfm.types import Correspondences, Pair, View

SIZE = (512, 384)
VIEWS = [View(f"{k}.jpg", np.zeros((SIZE[1], SIZE[0], 3), np.uint8), np.eye(3), SIZE) for k in range(4)]
FEATURES = [Features(np.zeros((0, 2)), np.zeros((0, 128), np.uint8), 1.0)] * 4
PAIRS = [Pair(i, j) for i in range(4) for j in range(i + 1, 4)]


def found_of(points: np.ndarray, poses: np.ndarray, focal_px: float, repeated: float = 0.0) -> Turns:
    """Turns among matches of what cameras of this focal see of the points, to a tenth of a pixel.
    `repeated`: a share of the matches leads to where a pattern that repeats has them, 60 pixels to the
    side."""
    rng = np.random.default_rng(1)
    camera = view_camera(VIEWS[0], focal_px)
    seen = [project(transform_points(pose, points), camera) for pose in poses]
    inside = [((p > 0) & (p < SIZE)).all(axis=1) for p in seen]
    matches, epipolar = {}, {}
    for pair in PAIRS:
        both = inside[pair.i] & inside[pair.j]
        pixels_i, pixels_j = (
            p[both] + rng.normal(0, 0.1, (both.sum(), 2)) for p in (seen[pair.i], seen[pair.j])
        )
        pixels_j[rng.uniform(size=len(pixels_j)) < repeated] += [60.0, 0.0]
        matches[pair] = Correspondences(pixels_i, pixels_j, np.ones(len(pixels_i)))
        geometry = estimate_epipolar(pixels_i - 256, pixels_j - 256, TwoViewConfig())
        if geometry is not None:
            epipolar[pair] = geometry
    return find_turns(VIEWS, FEATURES, matches, epipolar, TurnConfig())


def in_a_room() -> np.ndarray:
    return np.random.default_rng(0).uniform([-9, -5, 4], [9, 5, 9], (4000, 3))


def panned(step_deg: float) -> np.ndarray:
    turns = rotation_from_vector(np.radians(step_deg) * np.arange(4)[:, None] * [0.0, 1.0, 0.0])
    return rigid(turns, np.zeros((4, 3)))


@pytest.mark.parametrize("focal", [0.7, 1.0, 1.6])
def test_a_pan_is_found_at_any_focal(focal: float) -> None:
    found = found_of(in_a_room(), panned(10.0), focal * 512)
    assert {Pair(0, 1), Pair(1, 2), Pair(2, 3)} <= found.turning


def test_a_pan_over_what_repeats_stays_a_pan() -> None:
    """The shifted matches look like parallax, and by themselves would make a model."""
    found = found_of(in_a_room(), panned(8.0), 512.0, repeated=0.3)
    assert {Pair(0, 1), Pair(1, 2), Pair(2, 3)} <= found.turning
    assert set(PAIRS) >= found.turning | found.mistaken


def test_walking_past_a_plane_is_no_turn() -> None:
    """Turned towards it, a plane gives homographies only; no one focal makes turns of all of them."""
    rng = np.random.default_rng(2)
    wall = np.column_stack([rng.uniform(-6, 6, 3000), rng.uniform(-4, 4, 3000), np.full(3000, 6.0)])
    turns = rotation_from_vector(np.radians([[0, -18, 0], [0, -6, 0], [0, 7, 0], [0, 20, 0]]))
    centres = np.array([[-2.4, 0.1, 0], [-0.9, -0.2, 0.6], [0.9, 0.2, 0.5], [2.5, 0, 0]])
    poses = rigid(turns, -(turns @ centres[..., None])[..., 0])
    found = found_of(wall, poses, 500.0)
    assert not found.mistaken
    assert len(found.turning) <= 1


def test_two_groups_of_matches_on_one_another_are_counted() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.uniform(0, 512, (600, 2))
    shifted = pixels + [40.0, 0.0]
    shifted[::3] += [60.0, 0.0]
    first, doubled = count_doubled_matches(
        pixels, shifted, (512.0, 512.0), TwoViewConfig(), RepetitionConfig()
    )
    assert first == 400
    assert doubled > 120  # of 200: the cells of the first group cover three quarters of either photo


def test_two_planes_beside_each_other_are_not_doubled() -> None:
    rng = np.random.default_rng(4)
    pixels = rng.uniform(0, 512, (600, 2))
    left = pixels[:, 0] < 300
    moved = pixels + np.where(left[:, None], [10.0, 0.0], [40.0, 0.0])
    _, doubled = count_doubled_matches(pixels, moved, (512.0, 512.0), TwoViewConfig(), RepetitionConfig())
    assert doubled < 30
