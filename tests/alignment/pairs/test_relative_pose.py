"""What one pair says of its two cameras: exactly, in spite of wrong points, or why it says nothing."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.pairs.relative_pose import RelativePose, RelativePoseConfig, estimate_relative_poses
from dust3r_sfm.evidence import PairSummary
from dust3r_sfm.geometry import (
    invert_rigid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.progress import Silent
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, Rigid

CONFIG = RelativePoseConfig()
CAMERAS = [Camera.pinhole(64, 48, 60.0, 60.0, 32.0, 24.0), Camera.pinhole(48, 64, 50.0, 50.0, 23.0, 33.0)]
PAIR = Pair(0, 1)
COUNT = 100
SCALE = 0.4
"""A unit of the pair's pointmaps is as long as 2.5 of the world."""
J_FROM_I = rigid(rotation_from_vector(np.array([0.1, -0.3, 0.2])), np.array([0.9, -0.2, 0.3]))
"""In world units."""
OWN = rigid(J_FROM_I[:3, :3], SCALE * J_FROM_I[:3, 3])
"""What the pair should say, in its own."""
NO_MATCHES = Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


def samples_j() -> np.ndarray:
    return np.random.default_rng(0).uniform([0.0, 0.0], [48.0, 64.0], (COUNT, 2))


def exact_summary() -> PairSummary:
    """Its points of view j, which is all that a relative pose is resected from, are exact."""
    rng = np.random.default_rng(1)
    points = unproject(samples_j(), rng.uniform(2.0, 6.0, COUNT), CAMERAS[1])
    return PairSummary(
        pair=PAIR,
        geometry=PairGeometry.GENERAL,
        focal_i=None,
        focal_spread_i=np.inf,
        depth_i=np.ones(COUNT),
        weights_i=np.ones(COUNT),
        points_j=SCALE * transform_points(invert_rigid(J_FROM_I), points),
        weights_j=rng.uniform(0.5, 2.0, COUNT),
        matches=NO_MATCHES,
        match_depth_i=np.zeros(0),
        num_correspondences=0,
    )


def estimate(summary: PairSummary, found: Mapping[Pair, Correspondences] | None = None) -> RelativePose | str:
    """What the pair says, or why it is of no use."""
    pixels = [np.zeros((COUNT, 2)), samples_j()]
    poses, reasons = estimate_relative_poses([summary], pixels, CAMERAS, found or {}, 0, CONFIG, Silent())
    if poses:
        assert reasons == {}
        return poses[0]
    return reasons[PAIR]


def said(outcome: RelativePose | str) -> RelativePose:
    assert isinstance(outcome, RelativePose), outcome
    return outcome


def spoilt(summary: PairSummary, share: float) -> tuple[PairSummary, np.ndarray]:
    """A share of the points is anywhere before camera i. Also which of them are right still."""
    rng = np.random.default_rng(2)
    right = np.arange(COUNT) >= round(share * COUNT)
    anywhere = rng.uniform([-2.0, -2.0, 1.0], [2.0, 2.0, 3.0], (COUNT, 3))
    return replace(summary, points_j=np.where(right[:, None], summary.points_j, anywhere)), right


def test_exact_points_give_the_exact_pose_in_the_pair_s_own_unit() -> None:
    summary = exact_summary()
    found = said(estimate(summary))
    np.testing.assert_allclose(found.j_from_i, OWN, atol=1e-8)
    assert found.metric
    assert found.pair == PAIR
    assert found.summary is summary
    assert found.strength == pytest.approx(summary.weights_j.sum())
    assert found.median_residual_px == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_wrong_points_are_not_heard(share: float) -> None:
    """Nor do they count for the pair's strength, but for the few that lie near the right rays by chance."""
    summary, right = spoilt(exact_summary(), share)
    found = said(estimate(summary))
    np.testing.assert_allclose(found.j_from_i, OWN, atol=1e-5)
    seen = transform_points(OWN, summary.points_j)
    error = np.linalg.norm(project(seen, CAMERAS[1]) - samples_j(), axis=1)
    inlier = (seen[:, 2] > 0) & (error < CONFIG.max_error * CAMERAS[1].fx)
    assert inlier[right].all()
    assert inlier.sum() < right.sum() + 5
    assert found.strength == pytest.approx(summary.weights_j[inlier].sum())


def test_unknown_points_are_not_looked_at() -> None:
    """Where a pair knows nothing its weight is 0 and its point means nothing."""
    summary, right = spoilt(exact_summary(), 0.75)
    found = said(estimate(replace(summary, weights_j=summary.weights_j * right)))
    np.testing.assert_allclose(found.j_from_i, OWN, atol=1e-8)


def matches_of(turn: Rigid, count: int) -> Correspondences:
    """Exact ones of a camera that turned on the spot."""
    rng = np.random.default_rng(3)
    pixels_i = rng.uniform([10.0, 10.0], [54.0, 38.0], (count, 2))
    far = unproject(pixels_i, rng.uniform(1.0, 9.0, count), CAMERAS[0])
    return Correspondences(pixels_i, project(transform_points(turn, far), CAMERAS[1]), np.full(count, 0.5))


def test_a_turn_on_the_spot_is_found_in_the_rays_of_matches() -> None:
    """Whatever the depth. It says nothing of where cameras stand: `metric` is false, and the shift 0."""
    turn = rigid(J_FROM_I[:3, :3], np.zeros(3))
    summary = replace(exact_summary(), geometry=PairGeometry.ROTATION_ONLY)
    found = said(estimate(summary, {PAIR: matches_of(turn, 40)}))
    np.testing.assert_allclose(found.j_from_i, turn, atol=1e-9)
    assert not found.metric
    assert found.median_residual_px == pytest.approx(0.0, abs=1e-6)


def test_a_turn_is_found_among_wrong_matches() -> None:
    turn = rigid(J_FROM_I[:3, :3], np.zeros(3))
    matches = matches_of(turn, 40)
    rng = np.random.default_rng(4)
    matches.pixels_j[:12] = rng.uniform([0.0, 0.0], [48.0, 64.0], (12, 2))
    summary = replace(exact_summary(), geometry=PairGeometry.ROTATION_ONLY)
    found = said(estimate(summary, {PAIR: matches}))
    np.testing.assert_allclose(found.j_from_i, turn, atol=1e-4)


def few(weights: np.ndarray) -> np.ndarray:
    return weights * (np.arange(COUNT) < CONFIG.min_points - 1)


EXACT = exact_summary()
TURNED = replace(EXACT, geometry=PairGeometry.ROTATION_ONLY)
IN_ONE_PLACE = replace(EXACT, points_j=np.ones((COUNT, 3)))
FEW_MATCHES = {PAIR: matches_of(OWN, CONFIG.min_points - 1)}


@pytest.mark.parametrize(
    ("summary", "matches", "reason"),
    [
        (replace(EXACT, geometry=PairGeometry.UNRELATED), {}, "the two images show nothing in common"),
        (replace(EXACT, weights_j=few(EXACT.weights_j)), {}, "too few points are known"),
        (replace(EXACT, weights_i=few(EXACT.weights_i)), {}, "too few points are known"),
        (IN_ONE_PLACE, {}, "no relative pose fits its points"),
        (spoilt(EXACT, 0.85)[0], {}, "only"),
        (TURNED, {}, "a pure rotation with too few matches"),
        (TURNED, FEW_MATCHES, "a pure rotation with too few matches"),
    ],
    ids=["unrelated", "few in j", "few in i", "one place", "mostly wrong", "no matches", "few matches"],
)
def test_a_pair_of_no_use_says_why(
    summary: PairSummary, matches: Mapping[Pair, Correspondences], reason: str
) -> None:
    outcome = estimate(summary, matches)
    assert isinstance(outcome, str)
    assert outcome.startswith(reason)


def test_just_enough_is_enough() -> None:
    """The other side of the same bounds."""
    enough = np.arange(COUNT) < CONFIG.min_points
    summary = replace(EXACT, weights_j=EXACT.weights_j * enough, weights_i=EXACT.weights_i * enough)
    np.testing.assert_allclose(said(estimate(summary)).j_from_i, OWN, atol=1e-8)
    turn = rigid(J_FROM_I[:3, :3], np.zeros(3))
    found = said(estimate(TURNED, {PAIR: matches_of(turn, CONFIG.min_points)}))
    np.testing.assert_allclose(found.j_from_i, turn, atol=1e-9)


def test_pairs_that_are_of_no_use_do_not_stop_the_others() -> None:
    unrelated = replace(EXACT, pair=PAIR.swap(), geometry=PairGeometry.UNRELATED)
    poses, reasons = estimate_relative_poses(
        [unrelated, EXACT], [samples_j(), samples_j()], CAMERAS, {}, 0, CONFIG, Silent()
    )
    assert [pose.pair for pose in poses] == [PAIR]
    assert list(reasons) == [PAIR.swap()]
