"""What the embedded regressor says of a pair that sees one plane, whose depth is known everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.geometry import (
    invert_rigid,
    pixel_grid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.regressors.plane_sweep import SweepConfig
from dust3r_sfm.regressors.stereo.pointmaps import SparseDepthConfig, pair_predictions
from dust3r_sfm.regressors.stereo.two_view import UNRELATED, TwoView
from dust3r_sfm.types import Camera, Correspondences, Pair, PairGeometry, PairPrediction, View

PAIR = Pair(0, 1)
CAMERAS = [Camera.pinhole(64, 48, 60.0, 60.0, 33.0, 22.0), Camera.pinhole(56, 64, 50.0, 50.0, 27.0, 33.0)]
J_FROM_I = rigid(rotation_from_vector(np.array([0.05, -0.15, 0.1])), np.array([-0.72, 0.48, -0.5012]))
"""Of length 1: the pair's unit is the baseline. Camera j is nearer to what both see."""
PLANE = np.array([0.2, -0.1, 4.0])
"""z = 4 + 0.2 x - 0.1 y in camera i's frame."""
ANGLE_DEG = 10.0
"""More than it takes to be as sure as matches get."""


def predict(
    geometry: TwoView, sweep: SweepConfig | None = None, images: list[np.ndarray] | None = None
) -> tuple[PairPrediction, PairPrediction]:
    """Of the pair and of its reverse."""
    images = images or [np.zeros((c.height, c.width, 3), np.uint8) for c in CAMERAS]
    views = [View(f"{k}.png", im, np.eye(3), (im.shape[1], im.shape[0])) for k, im in enumerate(images)]
    return pair_predictions(PAIR, views, CAMERAS, geometry, SparseDepthConfig(), sweep, "cpu")


def on_plane(points: np.ndarray) -> np.ndarray:
    """How far points in camera i's frame are off the plane, along z."""
    return points[..., 2] - points[..., 0] * PLANE[0] - points[..., 1] * PLANE[1] - PLANE[2]


def plane_depth(pixels: np.ndarray, view: int) -> np.ndarray:
    """z in the view's own camera of what its pixels see, by intersection of rays with the plane."""
    rays = unproject(pixels, np.ones(pixels.shape[:-1]), CAMERAS[view])
    normal, offset = np.array([-PLANE[0], -PLANE[1], 1.0]), PLANE[2]
    if view == 1:
        offset += normal @ J_FROM_I[:3, :3].T @ J_FROM_I[:3, 3]
        normal = J_FROM_I[:3, :3] @ normal
    return offset / (rays @ normal)


def plane_matches(every: int, kind: PairGeometry = PairGeometry.PLANAR) -> TwoView:
    """Exact ones of every so many pixel centres of view i that view j sees."""
    pixels_i = pixel_grid(CAMERAS[0].height, CAMERAS[0].width)[::every, ::every].reshape(-1, 2)
    depth_i = plane_depth(pixels_i, 0)
    in_j = transform_points(J_FROM_I, unproject(pixels_i, depth_i, CAMERAS[0]))
    pixels_j = project(in_j, CAMERAS[1])
    inside = ((pixels_j > 0) & (pixels_j < [CAMERAS[1].width, CAMERAS[1].height])).all(axis=1)
    assert inside.sum() > 20
    matches = Correspondences(pixels_i[inside], pixels_j[inside], np.ones(inside.sum()))
    return TwoView(kind, J_FROM_I, matches, depth_i[inside], in_j[inside, 2], ANGLE_DEG)


def rows_and_columns(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    column, row = np.floor(pixels).astype(int).T
    return row, column


def test_both_maps_of_a_pair_are_in_its_first_camera_s_frame() -> None:
    """So what both views see at matches lies on the plane as camera i has it. In view i matches are at
    centres of pixels, and exact. In view j they are beside one, which then has their depth."""
    geometry = plane_matches(4)
    forward, backward = predict(geometry)
    at_i, at_j = rows_and_columns(geometry.matches.pixels_i), rows_and_columns(geometry.matches.pixels_j)
    expected = unproject(geometry.matches.pixels_i, geometry.depth_i, CAMERAS[0])
    np.testing.assert_allclose(forward.points_i[at_i], expected, rtol=1e-5, atol=1e-5)
    centres = pixel_grid(CAMERAS[1].height, CAMERAS[1].width)[at_j]
    in_j = unproject(centres, geometry.depth_j, CAMERAS[1])
    in_i = transform_points(invert_rigid(J_FROM_I), in_j)
    np.testing.assert_allclose(forward.points_j[at_j], in_i, rtol=1e-5, atol=1e-5)
    assert np.abs(on_plane(forward.points_j[at_j])).max() < 0.02
    assert (forward.pair, backward.pair) == (PAIR, PAIR.swap())
    # The reverse says the same of both views, in the other camera's frame.
    np.testing.assert_allclose(backward.points_i[at_j], in_j, rtol=1e-5, atol=1e-5)
    in_j = transform_points(J_FROM_I, expected)
    np.testing.assert_allclose(backward.points_j[at_i], in_j, rtol=1e-5, atol=1e-5)


def test_matches_and_kind_are_handed_on_either_way() -> None:
    geometry = plane_matches(4)
    forward, backward = predict(geometry)
    assert forward.geometry is backward.geometry is PairGeometry.PLANAR
    assert forward.correspondences is not None
    assert backward.correspondences is not None
    np.testing.assert_array_equal(forward.correspondences.pixels_j, geometry.matches.pixels_j)
    np.testing.assert_array_equal(backward.correspondences.pixels_i, geometry.matches.pixels_j)
    np.testing.assert_array_equal(backward.confidence_i, forward.confidence_j)
    np.testing.assert_array_equal(backward.confidence_j, forward.confidence_i)


def one_match(angle_deg: float = ANGLE_DEG) -> TwoView:
    """At the centre of the pixel in column 40 and row 20 of view i."""
    pixel = np.array([[40.5, 20.5]])
    depth = plane_depth(pixel, 0)
    in_j = transform_points(J_FROM_I, unproject(pixel, depth, CAMERAS[0]))
    matches = Correspondences(pixel, project(in_j, CAMERAS[1]), np.ones(1))
    return TwoView(PairGeometry.GENERAL, J_FROM_I, matches, depth, in_j[:, 2], angle_deg)


def test_nothing_is_known_away_from_matches() -> None:
    """Confidence is 1 there, which says so, and the depth 0."""
    geometry = one_match()
    forward, _ = predict(geometry)
    apart = np.linalg.norm(pixel_grid(48, 64) - geometry.matches.pixels_i[0], axis=-1)
    assert (forward.confidence_i[apart > 4.0] == 1.0).all()
    assert not forward.points_i[apart > 4.0].any()
    assert forward.confidence_i[20, 40] == forward.confidence_i.max() > 1.0


def test_beside_a_match_its_depth_is_taken_with_little_trust() -> None:
    """On the rays of the pixels around it, ever less sure of it."""
    geometry = one_match()
    forward, _ = predict(geometry)
    near = forward.confidence_i > 1.0
    assert 1 < near.sum() < 30
    np.testing.assert_allclose(forward.points_i[near, 2], geometry.depth_i[0], rtol=1e-6)
    np.testing.assert_allclose(
        project(forward.points_i[near], CAMERAS[0]), pixel_grid(48, 64)[near], atol=1e-3
    )
    trust = forward.confidence_i - 1.0
    beside = np.delete(trust[near], np.argmax(trust[near]))
    assert beside.max() < 0.5 * trust.max()


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_trust_grows_with_the_angle_between_rays(share: float) -> None:
    """In proportion, up to an angle beyond which depth is as sure as matches can make it."""
    full, _ = predict(one_match())
    fuller, _ = predict(one_match(2.0 * ANGLE_DEG))
    np.testing.assert_array_equal(full.confidence_i, fuller.confidence_i)
    small, _ = predict(one_match(1.0))
    part, _ = predict(one_match(share))
    np.testing.assert_allclose(part.confidence_i - 1.0, share * (small.confidence_i - 1.0), atol=1e-6)
    assert small.confidence_i.max() < full.confidence_i.max()


def test_matches_without_depth_leave_no_trace_in_the_maps() -> None:
    """They are matches all the same."""
    geometry = plane_matches(8)
    lost = np.arange(len(geometry.matches)) % 2 == 0
    geometry = replace(
        geometry,
        depth_i=np.where(lost, np.nan, geometry.depth_i),
        depth_j=np.where(lost, np.nan, geometry.depth_j),
    )
    forward, _ = predict(geometry)
    confidence = forward.confidence_i[rows_and_columns(geometry.matches.pixels_i)]
    assert (confidence[lost] == 1.0).all()
    assert (confidence[~lost] > 1.0).all()
    assert np.isfinite(forward.points_i).all()
    assert np.isfinite(forward.points_j).all()
    assert forward.correspondences is not None
    assert len(forward.correspondences) == len(geometry.matches)


@pytest.mark.parametrize(
    "geometry",
    [
        UNRELATED,
        plane_matches(4, PairGeometry.ROTATION_ONLY),
        plane_matches(4, PairGeometry.LOW_PARALLAX),
        replace(plane_matches(4), depth_j=np.full(len(plane_matches(4).matches), np.nan)),
    ],
    ids=["unrelated", "rotation only", "low parallax", "no depth in view j"],
)
def test_a_pair_without_parallax_has_matches_and_no_depth(geometry: TwoView) -> None:
    for prediction, cameras in zip(predict(geometry), (CAMERAS, CAMERAS[::-1]), strict=True):
        assert prediction.geometry is geometry.geometry
        assert prediction.correspondences is not None
        assert len(prediction.correspondences) == len(geometry.matches)
        shapes = [(c.height, c.width) for c in cameras]
        assert [prediction.confidence_i.shape, prediction.confidence_j.shape] == shapes
        for points, trust in (
            (prediction.points_i, prediction.confidence_i),
            (prediction.points_j, prediction.confidence_j),
        ):
            assert points.shape == (*trust.shape, 3)
            assert not points.any()
            assert (trust == 1.0).all()


def photo_of_plane(view: int) -> np.ndarray:
    """Waves on the plane: grey by the place that a pixel sees."""
    camera = CAMERAS[view]
    pixels = pixel_grid(camera.height, camera.width)
    points = unproject(pixels, plane_depth(pixels, view), camera)
    if view == 1:
        points = transform_points(invert_rigid(J_FROM_I), points.reshape(-1, 3)).reshape(points.shape)
    waves = np.array([[9.0, 2.0], [-3.0, 11.0], [6.0, -7.0]])
    return (128.0 + 100.0 * np.sin(points[..., :2] @ waves.T)).round().astype(np.uint8)


def test_a_sweep_fills_in_what_lies_between_matches() -> None:
    """From a hundredth of all pixels to most of those that both views see, to less than a hundredth of the
    depth. No pixel is less sure than the matches alone make it."""
    geometry = plane_matches(8)
    alone, _ = predict(geometry)
    swept, back = predict(geometry, SweepConfig(), [photo_of_plane(0), photo_of_plane(1)])
    for points, trust, before in (
        (swept.points_i, swept.confidence_i, alone.confidence_i),
        (swept.points_j, swept.confidence_j, alone.confidence_j),
    ):
        assert (trust >= before).all()
        sure = trust > 1.5
        assert (before > 1.5).mean() < 0.01
        assert sure.mean() > 0.3
        error = np.abs(on_plane(points)[sure]) / PLANE[2]
        assert np.median(error) < 0.004
        assert np.percentile(error, 90) < 0.02
    np.testing.assert_allclose(
        transform_points(J_FROM_I, swept.points_i.reshape(-1, 3)), back.points_j.reshape(-1, 3), atol=1e-5
    )
