"""Rendered photo sets are the same for a seed, see what they should, and are hard in the ways meant."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from benchmarks.rendered_sets import write_set
from dust3r_sfm.errors import OutputError
from dust3r_sfm.geometry import invert_rigid, project, rotation_angle_deg, transform_points
from dust3r_sfm.synthetic.cameras import centred_camera, look_at
from dust3r_sfm.synthetic.places.facade import draw_front, facade_scene
from dust3r_sfm.synthetic.places.kinds import KINDS
from dust3r_sfm.synthetic.places.office import DOORS_M
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.rendering.lights import Lamps
from dust3r_sfm.synthetic.rendering.photo import render_photo
from dust3r_sfm.synthetic.rendering.primitives import Primitive, Quad
from dust3r_sfm.synthetic.rendering.render import render, render_depth
from dust3r_sfm.synthetic.rendering.sensor import develop
from dust3r_sfm.synthetic.scenes import SceneDescription, plane_scene, room_scene

SMALL = (80, 60)


def small_shoot(kind: str, seed: int = 0, count: int = 6) -> Shoot:
    return KINDS[kind].shoot(Request(seed, count, *SMALL))


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_photo_and_another_seed_another_one(kind: str) -> None:
    images = []
    for seed in (3, 3, 4):
        shoot = small_shoot(kind, seed)
        photo = render_photo(shoot.scene, shoot.rig.cameras[2], shoot.rig.cam_from_world[2])
        images.append(develop(photo.light, np.random.default_rng(seed)))
    assert images[0].tobytes() == images[1].tobytes()
    assert np.abs(images[0].astype(float) - images[2]).mean() > 3.0


@pytest.mark.parametrize("kind", KINDS)
def test_cameras_stand_in_the_open_and_see_several_things(kind: str) -> None:
    """Nothing is nearer than a camera could focus, and no photo shows a single surface only."""
    shoot = small_shoot(kind, count=12)
    for camera, cam_from_world in zip(shoot.rig.cameras, shoot.rig.cam_from_world, strict=True):
        surface = render_depth(shoot.scene, camera, cam_from_world)
        assert surface.depth[surface.depth > 0].min() > 0.12
        assert len(np.unique(surface.object_id)) >= 2 or kind == "office_walk"


@pytest.mark.parametrize("kind", ["room", "room_walk"])
def test_cameras_stay_inside_the_room(kind: str) -> None:
    centres = invert_rigid(small_shoot(kind, count=16).rig.cam_from_world)[:, :3, 3]
    assert centres.min() > 0.5
    assert centres[:, :2].max() < 5.7


@pytest.mark.parametrize("kind", ["table_object", "low_texture_object", "relief_wall", "room"])
def test_the_middle_is_in_every_photo(kind: str) -> None:
    shoot = small_shoot(kind, seed=1, count=8)
    for camera, cam_from_world in zip(shoot.rig.cameras, shoot.rig.cam_from_world, strict=True):
        pixel = project(transform_points(cam_from_world, np.array([shoot.scene.centre]))[0], camera)
        assert (np.abs(pixel / SMALL - 0.5) < 0.25).all()


def test_low_texture_steps_are_the_middlebury_rings() -> None:
    for count, step_deg in ((16, 23.0), (8, 46.0)):
        centres = invert_rigid(small_shoot("low_texture_object", count=count).rig.cam_from_world)[:, :2, 3]
        azimuth = np.degrees(np.unwrap(np.arctan2(centres[:, 1], centres[:, 0])))
        np.testing.assert_allclose(np.diff(azimuth), step_deg, atol=1e-6)


def test_most_of_the_relief_wall_lies_in_one_plane() -> None:
    shoot = small_shoot("relief_wall", count=5)
    for camera, cam_from_world in zip(shoot.rig.cameras, shoot.rig.cam_from_world, strict=True):
        surface = render_depth(shoot.scene, camera, cam_from_world)
        points = transform_points(invert_rigid(cam_from_world), surface.points.reshape(-1, 3))
        assert 0.75 < (np.abs(points[:, 0]) < 1e-9).mean() < 0.97


def test_repeated_windows_are_exactly_equal() -> None:
    """Seen in the same way, any two windows give the same pixels where nothing unique is before them."""
    scene, front = facade_scene(0), draw_front(0)
    house = SceneDescription(house_of(scene), scene.centre, scene.facing_deg, scene.light)
    camera, photos = centred_camera(60, 80, 90.0), []
    across, up = front.pitch
    for column, floor in ((-1, 1), (0, 1), (1, 2)):
        target = np.array([0.0, column * across, (floor + 0.5) * up])
        photos.append(render_photo(house, camera, look_at(target + [3.0, 0.0, 0.0], target)).light)
    for other in photos[1:]:
        assert np.median(np.abs(other - photos[0])) < 1e-5
        assert (np.abs(other - photos[0]).max(axis=-1) > 0.02).mean() < 0.02


def house_of(scene: SceneDescription) -> tuple[Primitive, ...]:
    """Panes, piers and walls: all that comes before the roof."""
    panes = scene.primitives[0]
    assert isinstance(panes, Quad)
    front = draw_front(0)
    return scene.primitives[: 1 + (front.columns + 1) + 2 * (front.floors + 1)]


@pytest.mark.parametrize("seed", range(6))
def test_pans_share_one_centre_and_neighbours_overlap(seed: int) -> None:
    rig = small_shoot("pans", seed).rig
    centres = invert_rigid(rig.cam_from_world)[:, :3, 3]
    assert np.abs(centres - centres[0]).max() < 1e-12
    turns = rotation_angle_deg(
        rig.cam_from_world[1:, :3, :3] @ rig.cam_from_world[:-1, :3, :3].transpose(0, 2, 1)
    )
    view_deg = np.degrees(2 * np.arctan(SMALL[0] / 2 / rig.cameras[0].fx))
    assert turns.min() > 5.0
    assert turns.max() < view_deg + 10.0
    assert 0.7 <= rig.cameras[0].fx / SMALL[0] <= 1.6


@pytest.mark.parametrize("seed", range(2))
def test_sideways_cameras_do_not_turn_and_move_to_their_right(seed: int) -> None:
    rig = small_shoot("sideways_walk", seed).rig
    assert np.array_equal(rig.cam_from_world[:, :3, :3], np.repeat(rig.cam_from_world[:1, :3, :3], 6, axis=0))
    second_from_first = rig.cam_from_world[1:] @ invert_rigid(rig.cam_from_world[:-1])
    assert np.abs(second_from_first[:, 1:3, 3]).max() < 1e-12
    assert second_from_first[:, 0, 3].max() < -0.1


def test_the_office_walk_turns_fast_goes_through_doors_and_comes_back() -> None:
    rig = KINDS["office_walk"].shoot(Request(0, 200, *SMALL)).rig
    centres = invert_rigid(rig.cam_from_world)[:, :3, 3]
    steps_m = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    turns = rotation_angle_deg(
        rig.cam_from_world[1:, :3, :3] @ rig.cam_from_world[:-1, :3, :3].transpose(0, 2, 1)
    )
    assert steps_m.max() < 0.4
    assert 15.0 < turns.max() < 25.0
    assert np.linalg.norm(centres[-1] - centres[0]) < 0.2
    for before, after in pairwise(centres):
        if (before[1] < 2.0) != (after[1] < 2.0):
            assert min(abs(before[0] - door) for door in DOORS_M) < 0.35


def test_photos_have_the_geometry_and_nearly_the_colours_of_the_full_rendering() -> None:
    scene = room_scene(2)
    camera = centred_camera(120, 90, 100.0)
    cam_from_world = look_at(np.array([3.4, 3.2, 1.5]), np.array(scene.centre))
    photo, full = render_photo(scene, camera, cam_from_world), render(scene, camera, cam_from_world)
    assert np.array_equal(photo.surface.depth, full.depth)
    display = np.clip(photo.light, 0.0, 1.0) ** (1 / 2.2) * 255.0
    assert np.abs(display - full.image).mean() < 6.0
    assert np.corrcoef(display.ravel(), full.image.ravel())[0, 1] > 0.97


def test_render_refuses_lights_that_it_does_not_know() -> None:
    scene = plane_scene(0)
    lit = SceneDescription(scene.primitives, scene.centre, scene.facing_deg, Lamps(((1.0, 0.0, 2.0),)))
    with pytest.raises(AssertionError, match="render_photo"):
        render(lit, centred_camera(8, 6, 8.0), look_at(np.array([2.0, 0.0, 0.0]), np.zeros(3)))


def test_exposure_follows_the_light_and_noise_is_small() -> None:
    grey = np.full((40, 60, 3), 0.2, dtype=np.float32)
    image = develop(grey, np.random.default_rng(0)).astype(float)
    darker = develop(0.25 * grey, np.random.default_rng(0)).astype(float)
    assert 0.2 < image[15:25, 25:35].std(axis=(0, 1)).mean() < 4.0
    assert 0.25 ** (1 / 2.2) * image.mean() < darker.mean() < image.mean()


def test_written_truth_reads_back_equal(tmp_path: Path) -> None:
    shoot = small_shoot("facade", count=2)
    with ThreadPoolExecutor(1) as pool:
        write_set(tmp_path / "facade", shoot, 0, 4, pool)
        with pytest.raises(OutputError, match="exists already"):
            write_set(tmp_path / "facade", shoot, 0, 4, pool)
    model = pycolmap.Reconstruction(tmp_path / "facade" / "gt")
    names = sorted(path.name for path in (tmp_path / "facade" / "images").iterdir())
    assert names == sorted(image.name for image in model.images.values()) == ["000.jpg", "001.jpg"]
    for image in model.images.values():
        index = names.index(image.name)
        np.testing.assert_allclose(
            image.cam_from_world().matrix(), shoot.rig.cam_from_world[index][:3], atol=1e-12
        )
        np.testing.assert_allclose(image.camera.calibration_matrix(), shoot.rig.cameras[index].matrix)
    assert model.num_points3D() > 300
