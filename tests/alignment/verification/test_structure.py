"""Which photos the points of a scene stand against, on exact corridors and on votes made by hand."""

import numpy as np
import pytest

from dust3r_sfm.alignment.verification.structure import StructureConfig, Votes, opposed_views, structure_votes
from dust3r_sfm.geometry import project, rigid, transform_points
from dust3r_sfm.types import Camera, Correspondences, Pair, Tracks

CAMERA = Camera.pinhole(512, 384, 450.0, 450.0, 256.0, 192.0)
HALF, POINTS = 3, 120


def corridor(gap: float) -> tuple[np.ndarray, Tracks, dict[Pair, Correspondences]]:
    """Six photos, a step apart along their own direction, of points far ahead; all match truly. The scene has
    two halves, each right in itself, the second one `gap` too far ahead, with points of its own."""
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(-4, 4, (POINTS, 2)), rng.uniform(9, 15, POINTS)])
    poses = rigid(np.tile(np.eye(3), (2 * HALF, 1, 1)), np.arange(2 * HALF)[:, None] * [0.0, 0.0, -1.0])
    pixels = [project(transform_points(pose, points), CAMERA) for pose in poses]
    pairs = [Pair(i, j) for i in range(2 * HALF) for j in range(i + 1, 2 * HALF)]
    matches = {pair: Correspondences(pixels[pair.i], pixels[pair.j], np.ones(POINTS)) for pair in pairs}
    second = np.arange(2 * HALF) >= HALF
    found = poses.copy()
    found[second, 2, 3] -= gap
    tracks = Tracks(
        np.concatenate([points, points + [0.0, 0.0, gap]]),
        np.zeros((2 * POINTS, 3), np.uint8),
        np.concatenate([np.arange(POINTS) + POINTS * later for later in second]),
        np.repeat(np.arange(2 * HALF), POINTS),
        np.concatenate(pixels),
    )
    return found, tracks, matches


def test_halves_that_lie_too_far_apart_are_opposed_though_all_epipolar_lines_agree() -> None:
    poses, tracks, matches = corridor(gap=5.0)
    votes = structure_votes(tracks, [CAMERA] * 6, poses, matches, StructureConfig())
    second = np.arange(6) >= HALF
    across = second[:, None] != second
    np.testing.assert_array_equal(votes.agreeing[~across & ~np.eye(6, dtype=bool)], POINTS)
    # Points near the direction of motion look alike from anywhere on it.
    assert (votes.against[across] > 0.9 * POINTS).all()
    np.testing.assert_array_equal(opposed_views(votes, StructureConfig()), across)


def test_nothing_is_opposed_in_a_right_scene() -> None:
    poses, tracks, matches = corridor(gap=0.0)
    votes = structure_votes(tracks, [CAMERA] * 6, poses, matches, StructureConfig())
    assert not votes.against.any()
    assert not opposed_views(votes, StructureConfig()).any()


@pytest.mark.parametrize(("against", "heard"), [(90, True), (15, False)])
def test_groups_are_heard_as_a_whole(against: int, heard: bool) -> None:
    """Two pairs that are sure of each other; twins join a view of either, and the other two views contradict
    that, loudly or not."""
    agreeing, contrary = np.zeros((2, 4, 4), dtype=np.int64)
    agreeing[0, 1] = agreeing[2, 3] = 100
    agreeing[0, 2] = 30
    contrary[1, 3] = against
    votes = Votes(agreeing + agreeing.T, contrary + contrary.T)
    opposed = opposed_views(votes, StructureConfig())
    assert opposed[:2, 2:].all() == opposed.any() == heard


def test_matches_that_no_point_is_seen_at_have_no_vote() -> None:
    poses, tracks, matches = corridor(gap=5.0)
    elsewhere = {
        pair: Correspondences(found.pixels_i + 3.0, found.pixels_j + 3.0, found.weights)
        for pair, found in matches.items()
    }
    votes = structure_votes(tracks, [CAMERA] * 6, poses, elsewhere, StructureConfig())
    assert not (votes.agreeing + votes.against).any()
