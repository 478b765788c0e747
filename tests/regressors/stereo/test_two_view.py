"""What a pair shows is told apart: exact and slightly noisy matches of known scenes."""

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    project,
    rigid,
    rotation_angle_deg,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.regressors.stereo.two_view import (
    UNRELATED,
    TwoView,
    TwoViewConfig,
    estimate_epipolar,
    triangulate_depths,
    two_view,
)
from dust3r_sfm.types import Camera, Correspondences, PairGeometry, Rigid

CAMERA_I = Camera.pinhole(640, 480, 500.0, 500.0, 320.0, 240.0)
CAMERA_J = Camera.pinhole(320, 400, 380.0, 380.0, 150.0, 210.0)
CONFIG = TwoViewConfig()
TURN = rotation_from_vector(np.array([0.05, -0.12, 0.08]))
SIDEWAYS = rigid(TURN, np.array([-0.6, 0.1, 0.2]))


def box_points(count: int = 300, seed: int = 0) -> np.ndarray:
    """Anywhere in a box that both cameras see, in camera i's frame."""
    return np.random.default_rng(seed).uniform([-1.0, -1.0, 3.0], [1.0, 1.0, 6.0], (count, 3))


def plane_points(count: int = 300) -> np.ndarray:
    x, y = np.random.default_rng(1).uniform(-1.0, 1.0, (2, count))
    return np.stack([x, y, 4.0 + 0.5 * x - 0.3 * y], axis=-1)


def seen(points: np.ndarray, j_from_i: Rigid, noise_px: float = 0.0) -> Correspondences:
    rng = np.random.default_rng(2)
    pixels = project(points, CAMERA_I), project(transform_points(j_from_i, points), CAMERA_J)
    noisy = [p + rng.normal(0, noise_px, p.shape) for p in pixels]
    return Correspondences(*noisy, rng.uniform(0.1, 1.0, len(points)))


def judge(matches: Correspondences, resolution: tuple[float, float] = (1.0, 1.0)) -> TwoView:
    """As the regressor does: pixels of the searched pictures, centred, for the fundamental matrix."""
    epipolar = estimate_epipolar(
        (matches.pixels_i - [CAMERA_I.cx, CAMERA_I.cy]) * resolution[0],
        (matches.pixels_j - [CAMERA_J.cx, CAMERA_J.cy]) * resolution[1],
        CONFIG,
    )
    return (
        UNRELATED if epipolar is None else two_view(matches, CAMERA_I, CAMERA_J, resolution, epipolar, CONFIG)
    )


def with_strangers(matches: Correspondences, count: int) -> Correspondences:
    """Plus matches of unrelated places."""
    rng = np.random.default_rng(4)
    pixels_i, pixels_j = rng.uniform(0, [640, 480], (count, 2)), rng.uniform(0, [320, 400], (count, 2))
    return Correspondences(
        np.concatenate([matches.pixels_i, pixels_i]),
        np.concatenate([matches.pixels_j, pixels_j]),
        np.concatenate([matches.weights, np.ones(count)]),
    )


def pose_error_deg(found: Rigid, true: Rigid) -> float:
    direction = found[:3, 3] @ true[:3, 3] / np.linalg.norm(found[:3, 3]) / np.linalg.norm(true[:3, 3])
    turn = rotation_angle_deg((found[:3, :3] @ true[:3, :3].T)[None])[0]
    return max(float(turn), float(np.degrees(np.arccos(np.clip(direction, -1, 1)))))


@pytest.mark.parametrize("resolution", [(1.0, 1.0), (2.5, 1.3)])
def test_exact_matches_give_exact_pose_and_depths(resolution: tuple[float, float]) -> None:
    points = box_points()
    found = judge(seen(points, SIDEWAYS), resolution)
    assert found.geometry is PairGeometry.GENERAL
    assert found.j_from_i is not None
    assert len(found.matches) == len(points)
    assert pose_error_deg(found.j_from_i, SIDEWAYS) < 1e-6
    baseline = np.linalg.norm(SIDEWAYS[:3, 3])
    np.testing.assert_allclose(found.depth_i * baseline, points[:, 2], rtol=1e-6)
    np.testing.assert_allclose(found.depth_j * baseline, transform_points(SIDEWAYS, points)[:, 2], rtol=1e-6)


def test_the_angle_is_between_the_rays_to_a_point() -> None:
    centre = -SIDEWAYS[:3, :3].T @ SIDEWAYS[:3, 3]
    points = box_points()
    a, b = points / np.linalg.norm(points, axis=1, keepdims=True), points - centre
    cosine = (a * b).sum(axis=1) / np.linalg.norm(b, axis=1)
    expected = np.median(np.degrees(np.arccos(cosine)))
    assert judge(seen(points, SIDEWAYS)).angle_deg == pytest.approx(expected, rel=1e-6)


def test_a_plane_is_recognised_and_the_motion_explains_it() -> None:
    """Two motions explain most planes (Faugeras and Lustman 1988); which one it is, no pair can say."""
    assert judge(with_strangers(seen(plane_points(), SIDEWAYS, 0.5), 100)).geometry is PairGeometry.PLANAR
    found = judge(seen(plane_points(), SIDEWAYS))
    assert found.geometry is PairGeometry.PLANAR
    assert found.j_from_i is not None
    assert len(found.matches) == 300
    points = unproject(found.matches.pixels_i, found.depth_i, CAMERA_I)
    again = project(transform_points(found.j_from_i, points), CAMERA_J)
    known = np.isfinite(found.depth_i)
    assert (np.linalg.norm(again - found.matches.pixels_j, axis=1)[known] < 1e-3).mean() > 0.95
    middle = np.nanmedian(points, axis=0)
    offsets = np.linalg.norm(points - middle, axis=1)
    flat = points[known & (offsets < 3 * np.nanmedian(offsets))] - middle
    normal = np.linalg.svd(flat)[2][2]
    assert np.median(np.abs(flat @ normal)) < 1e-3 * np.nanmedian(found.depth_i)


@pytest.mark.parametrize("noise_px", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("points", [box_points(), plane_points()], ids=["box", "plane"])
@pytest.mark.parametrize("baseline", [0.0, 0.01], ids=["none", "hardly any"])
def test_a_turn_on_the_spot_is_recognised(noise_px: float, points: np.ndarray, baseline: float) -> None:
    """With noise a plane explains it too, with parallax made of noise: so it must not be believed."""
    motion = rigid(TURN, np.array([baseline, 0.0, 0.0]))
    found = judge(with_strangers(seen(points, motion, noise_px), 60))
    assert found.geometry is PairGeometry.ROTATION_ONLY
    assert found.j_from_i is not None
    assert not found.j_from_i[:3, 3].any()
    assert rotation_angle_deg((found.j_from_i[:3, :3] @ TURN.T)[None])[0] < 0.2
    assert len(found.matches) > 0.95 * len(points)


@pytest.mark.parametrize("noise_px", [0.3, 1.0])
def test_noise_and_wrong_matches_are_borne(noise_px: float) -> None:
    points = box_points()
    found = judge(with_strangers(seen(points, SIDEWAYS, noise_px), 100))
    assert found.geometry is PairGeometry.GENERAL
    assert found.j_from_i is not None
    assert pose_error_deg(found.j_from_i, SIDEWAYS) < 3.0
    assert 0.95 * len(points) < len(found.matches) < len(points) + 15


def test_small_parallax_that_long_lenses_see_is_low() -> None:
    """A quarter of a degree is 30 pixels here: no turn explains it, but no depth should rest on it."""
    long = Camera.pinhole(6400, 4800, 7000.0, 7000.0, 3200.0, 2400.0)
    points, motion = box_points(), rigid(TURN, np.array([0.015, 0.0, 0.0]))
    pixels = project(points, long), project(transform_points(motion, points), long)
    matches = Correspondences(*pixels, np.ones(len(points)))
    centred = (p - [long.cx, long.cy] for p in pixels)
    epipolar = estimate_epipolar(*centred, CONFIG)
    assert epipolar is not None
    found = two_view(matches, long, long, (1.0, 1.0), epipolar, CONFIG)
    assert found.geometry is PairGeometry.LOW_PARALLAX
    assert 0.1 < found.angle_deg < CONFIG.min_angle_deg


@pytest.mark.parametrize("count", [0, 8, 40])
def test_matches_of_unrelated_places_are_recognised(count: int) -> None:
    nothing = Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))
    found = judge(with_strangers(nothing, count))
    assert found is UNRELATED
    assert (found.geometry, len(found.matches), found.angle_deg) == (PairGeometry.UNRELATED, 0, 0.0)


def test_same_input_same_output() -> None:
    matches = with_strangers(seen(box_points(), SIDEWAYS, 1.0), 100)
    first, second = judge(matches), judge(matches)
    assert first.j_from_i is not None
    assert second.j_from_i is not None
    assert first.j_from_i.tobytes() == second.j_from_i.tobytes()
    np.testing.assert_array_equal(first.matches.weights, second.matches.weights)


def test_triangulation_is_exact_and_knows_what_it_cannot_see() -> None:
    points = box_points()
    in_j = transform_points(SIDEWAYS, points)
    rays_i, rays_j = points / points[:, 2:], in_j / in_j[:, 2:]
    depth_i, depth_j = triangulate_depths(rays_i, rays_j, SIDEWAYS)
    np.testing.assert_allclose(depth_i, points[:, 2], rtol=1e-10)
    np.testing.assert_allclose(depth_j, in_j[:, 2], rtol=1e-10)
    backwards = rigid(SIDEWAYS[:3, :3], -SIDEWAYS[:3, 3])
    assert np.isnan(np.stack(triangulate_depths(rays_i, rays_j, backwards))).all()
    parallel = rigid(np.eye(3), np.array([1.0, 0.0, 0.0]))
    assert np.isnan(np.stack(triangulate_depths(rays_i, rays_i, parallel))).all()


def test_homographies_are_counted_among_the_inliers() -> None:
    shares = []
    for points in (box_points(), plane_points()):
        matches = with_strangers(seen(points, SIDEWAYS, 0.3), 50)
        found = estimate_epipolar(matches.pixels_i - [320, 240], matches.pixels_j - [150, 210], CONFIG)
        assert found is not None
        assert 295 <= found.inliers <= 320
        shares.append(found.homography_share)
    assert shares[0] < 0.5 < 0.9 < shares[1]
