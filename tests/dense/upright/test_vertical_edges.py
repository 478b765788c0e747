"""Up by upright edges and cameras together, on drawn photos of posts and planks, and what becomes of it."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float
from PIL import Image, ImageDraw
from test_level_cameras import degrees_between

from dust3r_sfm.dense.upright import estimate_up, up_direction, up_from_cameras, with_up
from dust3r_sfm.dense.upright.vertical_edges import up_from_edges
from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.io.scene_file import load_scene, save_scene
from dust3r_sfm.synthetic.cameras import centred_camera, look_at
from dust3r_sfm.types import AlignmentReport, Scene, Tracks, UpSource, View

WORLD_FROM_GROUND = rotation_from_vector(np.array([0.7, -1.3, 0.5]))
UP = WORLD_FROM_GROUND[:, 2]
SIZE = (320, 240)
FOCAL = 260.0


def photographed_posts(seed: int, roll_deg: float) -> Scene:
    """Photos of upright posts and of planks that lie and lean all ways, all of them rolled alike and each by
    chance: cameras alone are wrong by that."""
    rng = np.random.default_rng(seed)
    camera = centred_camera(*SIZE, FOCAL)
    poses = []
    for azimuth in np.linspace(-20.0, 20.0, 6):
        eye = np.array([6.0 * np.cos(np.radians(azimuth)), 6.0 * np.sin(np.radians(azimuth)), 1.6])
        aim = np.array([0.0, 0.0, 1.2 + 0.3 * rng.normal()])
        poses.append(look_at(eye, aim, roll_deg + rng.normal(0.0, 1.5)))
    feet = rng.uniform([-2.0, -2.5, 0.0], [2.0, 2.5, 0.5], (14, 3))
    posts = np.stack([feet, feet + [0.0, 0.0, 2.5]], axis=1)
    planks = rng.uniform([-2.0, -2.5, 0.0], [2.0, 2.5, 3.0], (20, 2, 3))
    segments = np.concatenate([posts, planks])
    images = [
        draw(transform_points(pose, segments.reshape(-1, 3)).reshape(-1, 2, 3), camera) for pose in poses
    ]
    return scene_of(images, np.stack(poses) @ rigid(WORLD_FROM_GROUND.T, np.zeros(3)))


def draw(segments: Float[np.ndarray, "s 2 3"], camera) -> np.ndarray:
    """Light lines on grey, four times as fine and then reduced."""
    fine = 4
    photo = Image.new("L", (SIZE[0] * fine, SIZE[1] * fine), 90)
    pen = ImageDraw.Draw(photo)
    for a, b in project(segments, camera) * fine:
        pen.line([*a, *b], fill=200, width=3 * fine)
    return np.repeat(np.asarray(photo.reduce(fine))[..., None], 3, axis=2)


def scene_of(images: list[np.ndarray], cam_from_world: Float[np.ndarray, "n 4 4"]) -> Scene:
    count = len(images)
    height, width = images[0].shape[:2]
    return Scene(
        views=tuple(View(f"{k}.png", image, np.eye(3), (width, height)) for k, image in enumerate(images)),
        cameras=(centred_camera(width, height, FOCAL),) * count,
        cam_from_world=cam_from_world,
        depth=tuple(np.zeros((height, width)) for _ in images),
        confidence=tuple(np.ones((height, width)) for _ in images),
        tracks=Tracks.empty(),
        report=AlignmentReport((), "not run"),
    )


@pytest.fixture(scope="module")
def posts() -> Scene:
    return photographed_posts(0, 4.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_edges_correct_what_all_cameras_have_in_common(seed):
    scene = photographed_posts(seed, 3.0)
    found = estimate_up(scene)
    assert found.source is UpSource.VERTICALS
    assert degrees_between(found.direction, UP) < 1.0
    assert found.std_deg < 1.5
    assert degrees_between(up_from_cameras(scene.cam_from_world).direction, UP) > 2.0


def test_masked_edges_do_not_count(posts):
    """What is upright is masked: nothing is left that tells."""
    mask = np.zeros((SIZE[1], SIZE[0]), dtype=bool)
    masked = replace(posts, views=tuple(replace(view, mask=mask) for view in posts.views))
    assert estimate_up(masked).source is UpSource.CAMERAS


def test_texture_without_anything_upright_tells_nothing(posts):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8) for _ in posts.views]
    scene = scene_of(noise, posts.cam_from_world)
    assert up_from_edges(scene, up_from_cameras(scene.cam_from_world)) is None
    assert estimate_up(scene).source is UpSource.CAMERAS


def test_blank_photos_tell_nothing(posts):
    blank = [np.full((SIZE[1], SIZE[0], 3), 90, dtype=np.uint8) for _ in posts.views]
    assert estimate_up(scene_of(blank, posts.cam_from_world)).source is UpSource.CAMERAS


def test_what_users_say_is_taken(posts):
    assert with_up(posts, "-x").report.up.direction == (-1.0, 0.0, 0.0)
    assert with_up(posts, "+z").report.up.source is UpSource.GIVEN
    assert up_direction(with_up(posts, "none")) is None
    assert degrees_between(up_direction(with_up(posts, "auto")), UP) < 1.5


def test_a_map_is_believed_where_nothing_else_tells(posts):
    rng = np.random.default_rng(1)
    turns = rotation_from_vector(rng.normal(0, 2.0, (40, 3)))
    scene = scene_of([posts.views[0].image] * 40, rigid(turns, np.zeros((40, 3))))
    assert with_up(scene, "auto").report.up.direction is None
    assert with_up(scene, "auto", z_is_up=True).report.up.direction == (0.0, 0.0, 1.0)
    assert with_up(posts, "auto", z_is_up=True).report.up.source is UpSource.VERTICALS


def test_scene_files_keep_it(posts, tmp_path):
    for choice in ("auto", "none", "+y"):
        scene = with_up(posts, choice)
        save_scene(scene, tmp_path / "scene.npz")
        assert load_scene(tmp_path / "scene.npz").report == scene.report
