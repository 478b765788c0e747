"""Sky of rendered meadows is found to the pixel; walls, however blue and blank, are none."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.sky import score_sky
from dust3r_sfm.dense import dense_points
from dust3r_sfm.dense.sky import SkyConfig, find_sky, with_sky
from dust3r_sfm.dense.upright import with_up
from dust3r_sfm.geometry import rigid
from dust3r_sfm.synthetic.places.kinds import KINDS
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.rendering.photo import render_photo
from dust3r_sfm.synthetic.rendering.sensor import develop
from dust3r_sfm.types import AlignmentReport, Scene, Tracks, View

SIZE = (256, 192)
KNOWN = 4.0
"""Depth is known where the photo has more than so many levels a pixel: stereo sees nothing on blank walls."""


def shot(kind: str, seed: int, count: int) -> tuple[Scene, Shoot]:
    """A reconstruction of a rendered set without errors."""
    shoot = KINDS[kind].shoot(Request(seed, count, *SIZE))
    views, depths = [], []
    for index, (camera, pose) in enumerate(zip(shoot.rig.cameras, shoot.rig.cam_from_world, strict=True)):
        photo = render_photo(shoot.scene, camera, pose)
        image = develop(photo.light, np.random.default_rng([seed, index]))
        views.append(View(f"{index:03d}.jpg", image, np.eye(3), SIZE))
        depths.append(photo.surface.depth * textured(image))
    scene = Scene(
        views=tuple(views),
        cameras=shoot.rig.cameras,
        cam_from_world=shoot.rig.cam_from_world,
        depth=tuple(depths),
        confidence=tuple(np.where(depth > 0, 5.0, 1.0) for depth in depths),
        tracks=Tracks.empty(),
        report=AlignmentReport((), "not run"),
    )
    return with_up(scene, "+z"), shoot


def textured(image: np.ndarray) -> np.ndarray:
    down, across = np.gradient(image.mean(axis=2))
    return np.hypot(down, across) > KNOWN


@pytest.fixture(scope="module")
def meadow() -> tuple[Scene, Shoot]:
    return shot("open_ground", 0, 6)


def test_sky_is_found_and_nothing_else(meadow):
    scores = score_sky(*meadow)
    assert scores.sky_share > 0.1
    assert scores.precision > 0.99
    # 0.96 and more of photos of 512 pixels, whose clouds are softer.
    assert scores.recall > 0.75


def test_a_turned_world_has_the_same_sky(meadow):
    """And a photo that lies on its side, whose upper edge is another one."""
    scene, _ = meadow
    found = find_sky(scene)
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    on_side = replace(
        scene,
        views=tuple(
            replace(v, image=np.rot90(v.image).copy(), original_size=SIZE[::-1]) for v in scene.views
        ),
        cameras=tuple(
            type(c).pinhole(c.height, c.width, c.fy, c.fx, c.cy, c.width - c.cx) for c in scene.cameras
        ),
        cam_from_world=rigid(quarter, np.zeros(3)) @ scene.cam_from_world,
        depth=tuple(np.rot90(d).copy() for d in scene.depth),
        confidence=tuple(np.rot90(c).copy() for c in scene.confidence),
    )
    for upright, turned in zip(found, find_sky(on_side), strict=True):
        agree = np.rot90(upright) == turned
        assert agree.mean() > 0.99


def test_a_single_photo_has_none(meadow):
    """Nothing confirms it."""
    scene, _ = meadow
    one = replace(
        scene,
        views=scene.views[:1],
        cameras=scene.cameras[:1],
        cam_from_world=scene.cam_from_world[:1],
        depth=scene.depth[:1],
        confidence=scene.confidence[:1],
    )
    assert not find_sky(one)[0].any()


@pytest.mark.parametrize(("kind", "seed"), [("room", 0), ("room_walk", 1), ("relief_wall", 0)])
def test_rooms_and_walls_have_none(kind, seed):
    scene, _ = shot(kind, seed, 3)
    assert sum(int(sky.sum()) for sky in find_sky(scene)) == 0


def test_a_blue_wall_that_is_near_is_no_sky(meadow):
    """Cameras that stand apart see it in other directions: it moves with them, and sky does not."""
    scene, _ = meadow
    depth = tuple(np.where(textured(view.image), 1.0, 0.0) for view in scene.views)
    aside = scene.cam_from_world.copy()
    for index in range(len(aside)):
        # Every camera turned away from the others: no direction is seen by two.
        angle = index * np.radians(90.0)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
        aside[index] = aside[0] @ rigid(turn, np.zeros(3))
    assert not any(
        sky.any()
        for sky in find_sky(
            replace(
                scene,
                cam_from_world=aside[:4],
                depth=depth[:4],
                views=scene.views[:4],
                cameras=scene.cameras[:4],
                confidence=scene.confidence[:4],
            )
        )
    )


def test_what_is_asked_becomes_of_it(meadow):
    scene, _ = meadow
    # Depth that stereo might guess there.
    guessed = replace(
        scene,
        depth=tuple(np.where(depth > 0, depth, 80.0) for depth in scene.depth),
        confidence=tuple(np.maximum(c, 1.2) for c in scene.confidence),
    )
    sky = find_sky(guessed)
    assert with_sky(guessed, "keep") is guessed
    removed, masked = with_sky(guessed, "remove"), with_sky(guessed, "mask")
    for index, there in enumerate(sky):
        assert (removed.depth[index][there] == 0).all()
        assert (removed.confidence[index][there] == 1).all()
        np.testing.assert_array_equal(removed.depth[index][~there], guessed.depth[index][~there])
        assert removed.views[index].mask is None
        np.testing.assert_array_equal(masked.views[index].mask, ~there)
    lost = len(dense_points(guessed, 10**9, 1.0)) - len(dense_points(removed, 10**9, 1.0))
    assert lost == sum(int(there.sum()) for there in sky)


def test_masks_that_are_there_stay(meadow):
    scene, _ = meadow
    mask = np.ones(SIZE[::-1], dtype=bool)
    mask[:, :40] = False
    given = replace(scene, views=tuple(replace(view, mask=mask) for view in scene.views))
    for view in with_sky(given, "mask").views:
        assert not view.mask[:, :40].any()


def test_thresholds_are_the_configs(meadow):
    scene, _ = meadow
    for config in (
        SkyConfig(least_agreement=1.01),
        SkyConfig(least_elevation_deg=90.0),
        SkyConfig(least_share=0.9),
    ):
        assert not any(sky.any() for sky in find_sky(scene, config))
