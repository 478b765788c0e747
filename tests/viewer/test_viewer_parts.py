"""What the viewer decides before anything is drawn."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from made_scenes import CAMERA, ball
from scipy.spatial.transform import Rotation

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import invert_rigid, project, transform_points
from dust3r_sfm.geometry.procrustes import move_poses
from dust3r_sfm.types import Camera
from dust3r_sfm.viewer import ViewedPair, ViewedPhoto
from dust3r_sfm.viewer.comparison import similarity_by_photos
from dust3r_sfm.viewer.layers.chosen_points import PointChoice, choose_points, color_points
from dust3r_sfm.viewer.layers.lines import pair_lines
from dust3r_sfm.viewer.layers.picking import pick_point
from dust3r_sfm.viewer.page.latest import Latest
from dust3r_sfm.viewer.page.texts import option_of, table_html, text_html
from dust3r_sfm.viewer.pictures import jpeg_of, picture_of, pinhole_of, view_camera_of
from dust3r_sfm.viewer.upright import scale_of, shown_from_world, up_of

NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
CHOICE = PointChoice(1.0, frozenset(), 10**6, "photos", 0)


def test_points_are_chosen_by_confidence_photos_and_budget() -> None:
    points = ball(NAMES).points
    assert len(choose_points(points, CHOICE)) == 3000
    surer = choose_points(points, replace(CHOICE, threshold=3.0))
    np.testing.assert_array_equal(surer, np.flatnonzero(points.confidence >= 3.0))
    np.testing.assert_array_equal(choose_points(points, replace(CHOICE, threshold=3.0, budget=7)), surer[:7])
    hidden = choose_points(points, replace(CHOICE, hidden=frozenset({0, 3})))
    seers = [set(points.seen_by[a:b]) for a, b in zip(points.seen_from, points.seen_from[1:], strict=False)]
    stay = [row for row, seer in enumerate(seers) if not seer or seer - {0, 3}]
    np.testing.assert_array_equal(hidden, stay)
    assert 0 < len(stay) < 3000


def test_depth_is_of_the_camera_that_is_asked_for() -> None:
    scene = ball(NAMES)
    rows = np.arange(3000)
    for photo in scene.photos:
        colors = color_points(scene.points, rows, "depth", photo.cam_from_world).astype(int)
        depth = transform_points(photo.cam_from_world, scene.points.xyz.astype(float))[:, 2]
        near, far = depth.argmin(), depth.argmax()
        assert colors[near].tolist() == [225, 45, 25]
        assert colors[far].tolist() == [40, 16, 90]


def test_the_front_of_two_surfaces_is_picked() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 101), np.linspace(-1, 1, 101))
    wall = np.stack([x.ravel(), y.ravel(), np.full(x.size, 4.0)], axis=-1)
    points = np.concatenate([2 * wall, wall])
    picked = pick_point(points, np.zeros(3), np.array([0.099, 0.0, 4.0]), 0.02, 0.03)
    assert picked is not None
    np.testing.assert_allclose(points[picked], [0.1, 0.0, 4.0], atol=1e-9)
    assert pick_point(points, np.zeros(3), np.array([0.0, 0.0, -1.0]), 0.02, 0.03) is None
    assert pick_point(points[:0], np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.02, 0.03) is None


def test_a_pair_is_one_line_by_its_better_residual() -> None:
    centres = np.arange(12.0).reshape(4, 3)
    pairs = (
        ViewedPair((0, 1), True, 5.0),
        ViewedPair((1, 0), True, 0.0),
        ViewedPair((1, 2), True, None),
        ViewedPair((2, 1), False, None),
        ViewedPair((3, 2), False, None),
    )
    lines, colors = pair_lines(pairs, centres, True, 2.0)
    np.testing.assert_array_equal(lines, centres[[[0, 1], [1, 2]]])
    good, bad = colors[:, 0].astype(int)
    assert good[1] > good[0]
    assert bad[0] > bad[1]
    rejected, _ = pair_lines(pairs, centres, False, 2.0)
    np.testing.assert_array_equal(rejected, centres[[[2, 3]]])


def test_up_is_up_and_the_scene_has_its_size() -> None:
    scene = ball(NAMES)
    np.testing.assert_allclose(up_of(scene.cam_from_world), [0, -1, 0], atol=1e-12)
    turn = Rotation.from_rotvec([0.3, -1.0, 2.0]).as_matrix()
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = 7 * turn, [10, -20, 30]
    poses, _ = move_poses(scene.cam_from_world, moved)
    xyz = transform_points(moved, scene.points.xyz.astype(float))
    shown = shown_from_world(poses, xyz, radius=3.0)
    np.testing.assert_allclose(shown[:3, :3] @ turn @ [0, -1, 0] / scale_of(shown), [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(np.median(transform_points(shown, xyz), axis=0), 0, atol=0.1)
    x, y, z = (turn @ [1.0, 0.0, 0.0]).tolist()
    told = shown_from_world(poses, xyz, 3.0, (x, y, z))
    np.testing.assert_allclose(told[:3, :3] @ [x, y, z] / scale_of(told), [0, 0, 1], atol=1e-9)
    # Cameras all around have no common way to look, and one photo has no other.
    assert np.isfinite(shown_from_world(poses[:1], xyz[:0], 3.0)).all()


def test_results_are_compared_by_what_cameras_see_not_how_they_lie() -> None:
    first = ball(NAMES)
    moved = np.eye(4)
    moved[:3, :3] = 0.2 * Rotation.from_rotvec([0.5, 1.0, -0.2]).as_matrix()
    moved[:3, 3] = [3, 2, 1]
    poses, _ = move_poses(first.cam_from_world, moved)
    quarter = np.eye(4)
    quarter[:2, :2] = [[0, -1], [1, 0]]
    photos = tuple(
        replace(photo, cam_from_world=quarter @ pose) for photo, pose in zip(first.photos, poses, strict=True)
    )
    second = replace(first, photos=photos[::-1])
    for kept in (second, replace(second, photos=second.photos[:2])):
        np.testing.assert_allclose(similarity_by_photos(first, kept, "it") @ moved, np.eye(4), atol=1e-9)
    with pytest.raises(InputError, match="it: has 1 photo names in common"):
        similarity_by_photos(first, replace(second, photos=second.photos[:1]), "it")


@pytest.mark.parametrize(
    "camera",
    [
        CAMERA,
        Camera.radial(80, 60, 70.0, 70.0, 33.0, 31.0, -0.2),
        Camera("OPENCV_FISHEYE", 80, 60, (40.0, 40.0, 40.0, 30.0, 0.01, 0.0, 0.0, 0.0)),
        Camera("EQUIRECTANGULAR", 80, 40, (80.0, 40.0)),
    ],
    ids=lambda camera: camera.model,
)
def test_pictures_are_what_a_pinhole_would_have_taken(camera: Camera) -> None:
    """A dot of the world is where the pinhole sees it, whatever the lens."""
    place = np.array([0.12, -0.08, 1.0])
    x, y = project(place, camera)
    image = np.zeros((camera.height * 4, camera.width * 4, 3), np.uint8)
    image[int(4 * y) - 6 : int(4 * y) + 6, int(4 * x) - 6 : int(4 * x) + 6] = 255
    photo = ViewedPhoto("a", camera, np.eye(4), jpeg_of(image, 400, 95))
    shown = picture_of(photo, 80)
    assert shown is not None
    assert shown.shape == (camera.height, camera.width, 3)
    rows, columns = np.nonzero(shown.mean(axis=-1) > 128)
    expected = project(place, pinhole_of(camera))
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], expected, atol=0.8)
    centred = view_camera_of(photo)
    assert centred.principal_point == (
        pytest.approx(centred.width / 2, abs=1),
        pytest.approx(centred.height / 2, abs=1),
    )


def test_text_is_never_markup() -> None:
    for html in (text_html("<b>&\"'"), table_html(("<b>&\"'",), [("<b>&\"'",)], 5)):
        assert "<b>" not in html
        assert "&lt;b&gt;&amp;&quot;&#x27;" in html
    assert "\x1b" not in text_html("a\x1b[31m")
    assert "3 more" in table_html(("a",), [("b",)] * 8, 5)
    assert option_of(0, "a\n") != option_of(1, "a\n")


def test_of_wishes_while_it_works_the_last_one_counts() -> None:
    done, wish = [], [0]

    def work() -> None:
        seen = wish[0]
        time.sleep(0.05)
        done.append(seen)

    latest = Latest(work)
    threads = []
    for number in range(20):
        wish[0] = number
        threads.append(threading.Thread(target=latest.ask))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert done[-1] == 19
    assert len(done) <= 3

    def fail() -> None:
        raise ZeroDivisionError

    broken = Latest(fail)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            broken.ask()


def test_centres_of_made_cameras_face_the_ball() -> None:
    """What the tests above rest on."""
    scene = ball(NAMES)
    middles = np.array([project(pose[:3, 3], CAMERA) for pose in scene.cam_from_world])
    np.testing.assert_allclose(middles, [[40.0, 30.0]] * 4, atol=1e-9)
    assert np.linalg.norm(invert_rigid(scene.cam_from_world)[:, :3, 3], axis=1) == pytest.approx(4.0)
