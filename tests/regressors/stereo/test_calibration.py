"""Focals of known cameras, from nothing but exact matches of points that they see."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.geometry.view_cameras import view_camera
from dust3r_sfm.regressors.stereo import StereoConfig
from dust3r_sfm.regressors.stereo.calibration import calibrate_cameras
from dust3r_sfm.regressors.stereo.epipolar import epipolar_geometries
from dust3r_sfm.regressors.stereo.features import Features
from dust3r_sfm.regressors.stereo.two_view import Epipolar, TwoViewConfig
from dust3r_sfm.types import Camera, Correspondences, Pair, View

FOCAL = 1.4
"""Over the long edge: unlike what is usual, which is taken where nothing is known."""
RESOLUTION = 2.5
"""Features were searched in pictures so many times as large as views."""


def calibrate(
    views: Sequence[View], matches: Mapping[Pair, Correspondences]
) -> tuple[dict[Pair, Epipolar], list[Camera]]:
    """As the regressor does: the epipolar geometry of each pair, then the cameras."""
    nothing = Features(np.zeros((0, 2)), np.zeros((0, 128), np.uint8), RESOLUTION)
    features = [nothing] * len(views)
    epipolar = epipolar_geometries(views, features, matches, TwoViewConfig())
    return epipolar, calibrate_cameras(views, features, epipolar, StereoConfig())


def view(size: tuple[int, int] = (64, 48), exif_camera: str | None = None) -> View:
    """As large as its file."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    return View("a.jpg", image, np.eye(3), size, exif_camera=exif_camera)


def box(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1.0, 1.0, (count, 3))


def plane(count: int = 60) -> np.ndarray:
    x, y = np.random.default_rng(1).uniform(-1.0, 1.0, (2, count))
    return np.stack([x, y, 0.5 * x - 0.3 * y], axis=-1)


def exact_matches(
    views: Sequence[View], focals: Sequence[float], points: np.ndarray
) -> dict[Pair, Correspondences]:
    """Of all pairs of views that move and turn at random before the points. Cameras that circle these and
    look at their middle would say nothing of their focal (Sturm 1999)."""
    rng = np.random.default_rng(2)
    pixels = []
    for one, focal in zip(views, focals, strict=True):
        turn = rotation_from_vector(rng.uniform(-0.4, 0.4, 3))
        cam_from_world = rigid(turn, rng.uniform([-1.0, -1.0, 4.0], [1.0, 1.0, 7.0]))
        seen = transform_points(cam_from_world, points)
        assert (seen[:, 2] > 1.0).all()
        pixels.append(project(seen, view_camera(one, focal * max(one.size))))
    return {
        Pair(i, j): Correspondences(pixels[i], pixels[j], np.ones(len(points)))
        for i, j in itertools.combinations(range(len(views)), 2)
    }


def relative_focals(cameras: Sequence[Camera]) -> list[float]:
    return [camera.fx / max(camera.width, camera.height) for camera in cameras]


@pytest.mark.parametrize("focal", [0.8, FOCAL, 2.0])
def test_exact_matches_of_general_motion_tell_the_focal(focal: float) -> None:
    """To a per mille, in pixels of the view, whatever size features were found at."""
    views = [view()] * 6
    epipolar, cameras = calibrate(views, exact_matches(views, [focal] * 6, box()))
    assert len(epipolar) == 15
    np.testing.assert_allclose(relative_focals(cameras), focal, rtol=1e-3)
    assert all((camera.cx, camera.cy, camera.fx) == (32.0, 24.0, camera.fy) for camera in cameras)


def test_the_fundamental_matrix_is_in_centred_pixels_of_the_searched_pictures() -> None:
    """Exact matches fulfil x_j^T F x_i = 0 there."""
    views = [view(), view((48, 64))]
    matches = exact_matches(views, [FOCAL] * 2, box())
    epipolar, _ = calibrate(views, matches)
    (pair,) = epipolar
    ones = np.ones((60, 1))
    pixels_i = (matches[pair].pixels_i - [32.0, 24.0]) * RESOLUTION
    pixels_j = (matches[pair].pixels_j - [24.0, 32.0]) * RESOLUTION
    lines = np.concatenate([pixels_i, ones], axis=1) @ epipolar[pair].fundamental.T
    distance = (np.concatenate([pixels_j, ones], axis=1) * lines).sum(axis=1) / np.hypot(*lines[:, :2].T)
    np.testing.assert_allclose(distance, 0.0, atol=1e-6)
    assert epipolar[pair].inliers == 60


def test_pairs_that_show_nothing_in_common_have_no_geometry() -> None:
    """Too few matches, or matches of nothing."""
    views = [view()] * 3
    matches = exact_matches(views, [FOCAL] * 3, box())
    few = matches[Pair(0, 1)]
    matches[Pair(0, 1)] = Correspondences(few.pixels_i[:10], few.pixels_j[:10], few.weights[:10])
    chance = np.random.default_rng(3).uniform(0.0, 64.0, (2, 20, 2))
    matches[Pair(0, 2)] = Correspondences(*chance, np.ones(20))
    epipolar, _ = calibrate(views, matches)
    assert list(epipolar) == [Pair(1, 2)]


def test_each_camera_has_its_focal() -> None:
    """Views are of one camera where files are of one size and EXIF names one camera."""
    views = [view(exif_camera=name) for name in "XYXYXX"]
    focals = [FOCAL if one.exif_camera == "X" else 0.9 for one in views]
    _, cameras = calibrate(views, exact_matches(views, focals, box()))
    np.testing.assert_allclose(relative_focals(cameras), focals, rtol=5e-3)
    assert cameras[0] == cameras[2] == cameras[4]


def test_pairs_of_a_plane_do_not_vote() -> None:
    """A homography explains them, and with it any epipole: each has an F, and none is asked for a focal. The
    lens is then taken for an ordinary one, as if there were no pair at all."""
    views = [view()] * 6
    flat, cameras = calibrate(views, exact_matches(views, [FOCAL] * 6, plane()))
    assert len(flat) == 15
    _, unknown = calibrate(views, {})
    assert cameras == unknown
    assert abs(relative_focals(cameras)[0] / FOCAL - 1.0) > 0.1


def test_pairs_of_a_plane_do_not_disturb_those_that_vote() -> None:
    views = [view()] * 6
    matches = exact_matches(views, [FOCAL] * 6, box())
    flat = exact_matches(views, [0.7] * 6, plane())
    some = {pair: flat[pair] if pair.j == 5 else found for pair, found in matches.items()}
    _, cameras = calibrate(views, some)
    _, without = calibrate(views, {pair: found for pair, found in matches.items() if pair.j != 5})
    assert cameras == without


def test_a_known_focal_is_kept_to_the_bit_whatever_pairs_and_exif_say() -> None:
    """By the view that it is known of. Other views of its camera have the median of what is known."""
    known = [64 * 1.1, 64 * 1.2, 64 * 1.6]
    views = [
        *(replace(view(), known_focal_px=focal) for focal in known),
        *[replace(view(), exif_focal_px=58.0)] * 3,
    ]
    _, cameras = calibrate(views, exact_matches(views, [FOCAL] * 6, box()))
    assert [camera.fx for camera in cameras[:3]] == [camera.fy for camera in cameras[:3]] == known
    np.testing.assert_allclose(relative_focals(cameras[3:]), 1.2, rtol=1e-12)


def test_exif_is_believed_where_pairs_say_nothing_and_overruled_where_they_do() -> None:
    views = [replace(view(), exif_focal_px=64 * 1.5)] * 6
    _, alone = calibrate(views, {})
    np.testing.assert_allclose(relative_focals(alone), 1.5, rtol=1e-3)
    _, cameras = calibrate(views, exact_matches(views, [FOCAL] * 6, box()))
    np.testing.assert_allclose(relative_focals(cameras), FOCAL, rtol=5e-3)
