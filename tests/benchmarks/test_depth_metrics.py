"""Depth of known error against rendered truth, and against itself under the true cameras."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.depth_metrics import photos_of, score_consistency, score_depth
from dust3r_sfm.synthetic.cameras import arc_cameras
from dust3r_sfm.synthetic.rendering.render import render_depth
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import AlignmentReport, Scene, Tracks, View

COUNT, WIDTH, HEIGHT, FOCAL = 3, 96, 72, 77.0
STORED = 2
"""The files have this many times the views' resolution."""


@pytest.fixture(scope="module")
def exact() -> Scene:
    room = room_scene(3)
    rig = arc_cameras(room, COUNT, WIDTH, HEIGHT, FOCAL, step_deg=6.0)
    depths = [
        render_depth(room, camera, pose).depth
        for camera, pose in zip(rig.cameras, rig.cam_from_world, strict=True)
    ]
    views = tuple(
        View(
            f"{k}.jpg",
            np.zeros((HEIGHT, WIDTH, 3), np.uint8),
            np.diag([1 / STORED, 1 / STORED, 1.0]),
            (STORED * WIDTH, STORED * HEIGHT),
        )
        for k in range(COUNT)
    )
    none = np.zeros(0, dtype=np.int64)
    tracks = Tracks(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), none, none, np.zeros((0, 2)))
    confidence = tuple(np.full((HEIGHT, WIDTH), 9.0) for _ in range(COUNT))
    report = AlignmentReport((), "not tried")
    return Scene(views, rig.cameras, rig.cam_from_world, tuple(depths), confidence, tracks, report)


def scaled(scene: Scene, scale: float) -> Scene:
    poses = scene.cam_from_world.copy()
    poses[:, :3, 3] *= scale
    return replace(scene, cam_from_world=poses, depth=tuple(scale * depth for depth in scene.depth))


def true_depths(scene: Scene) -> dict[str, np.ndarray]:
    return {view.name: depth for view, depth in zip(scene.views, scene.depth, strict=True)}


def test_exact_depth_in_another_unit_has_no_error(exact: Scene) -> None:
    scores = score_depth(scaled(exact, 0.3), photos_of(exact), true_depths(exact))
    assert scores.median_relative_error == pytest.approx(0.0, abs=1e-9)
    assert (scores.photos, scores.confident_share, scores.off_share) == (COUNT, 1.0, 0.0)


def test_wrong_and_unsure_pixels_are_counted(exact: Scene) -> None:
    """In each view a quarter is 10 % too far, another one is too but says so, half is 1 % too near."""
    factor = np.full((HEIGHT, WIDTH), 0.99)
    factor[: HEIGHT // 2] = 1.1
    confidence = np.full((HEIGHT, WIDTH), 9.0)
    confidence[: HEIGHT // 4] = 1.5
    wrong = replace(
        exact, depth=tuple(factor * depth for depth in exact.depth), confidence=(confidence,) * COUNT
    )
    scores = score_depth(wrong, photos_of(exact), true_depths(exact))
    assert scores.confident_share == pytest.approx(0.75)
    assert scores.off_share == pytest.approx(1 / 3)
    assert scores.median_relative_error == pytest.approx(0.01)


def test_exact_depth_is_consistent(exact: Scene) -> None:
    scores = score_consistency(scaled(exact, 4.0), photos_of(exact))
    assert scores.comparisons > 0.5 * COUNT * (COUNT - 1) * WIDTH * HEIGHT
    assert scores.median_relative_difference < 1e-4
    # what is left lies at edges, where the neighbours of a pixel are on two surfaces
    assert scores.consistent_share > 0.93


def test_depth_that_is_not_true_is_not_consistent(exact: Scene) -> None:
    """The first view's depth is 2 % too far: only comparisons between the others hold, one in three."""
    wrong = replace(exact, depth=(1.02 * exact.depth[0], *exact.depth[1:]))
    scores = score_consistency(wrong, photos_of(exact))
    assert 0.2 < scores.consistent_share < 0.5


def test_two_photos_have_no_scale(exact: Scene) -> None:
    two = Scene(
        exact.views[:2],
        exact.cameras[:2],
        exact.cam_from_world[:2],
        exact.depth[:2],
        exact.confidence[:2],
        exact.tracks,
        exact.report,
    )
    with pytest.raises(ValueError, match="3 are needed for a scale"):
        score_consistency(two, photos_of(exact))
