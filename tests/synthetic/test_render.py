"""Rendered geometry is exact: checked against projection, closed forms and the other views."""

import numpy as np
import pycolmap
import pytest
import torch

from dust3r_sfm.geometry import (
    invert_rigid,
    pixel_grid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
)
from dust3r_sfm.synthetic.cameras import (
    arc_cameras,
    centred_camera,
    look_at,
    loop_cameras,
    rotation_only_cameras,
)
from dust3r_sfm.synthetic.rendering.materials import Plaster
from dust3r_sfm.synthetic.rendering.primitives import Box, Cylinder, Primitive, Quad, Sphere, distance
from dust3r_sfm.synthetic.rendering.render import render, render_depth
from dust3r_sfm.synthetic.scenes import SceneDescription, plane_scene, room_scene
from dust3r_sfm.types import Camera

PAINT = Plaster(1, (0.5, 0.5, 0.5))
TILTED = rigid(rotation_from_vector(np.array([0.6, 0.5, 0.9])), np.array([0.2, 0.1, -0.3]))


def test_points_project_onto_their_pixel_centres_and_depth_is_their_z() -> None:
    scene = room_scene(3)
    camera = Camera.pinhole(97, 70, 81.0, 78.0, 47.3, 36.1)
    cam_from_world = arc_cameras(scene, 1, 97, 70, 80.0).cam_from_world[0]
    surface = render_depth(scene, camera, cam_from_world)
    assert np.abs(project(surface.points, camera) - pixel_grid(70, 97)).max() < 1e-9
    assert np.array_equal(surface.points[..., 2], surface.depth)
    assert surface.depth.min() > 0.5, "the room is closed: every ray hits something in front"


@pytest.mark.parametrize(
    "shape",
    [
        Quad(TILTED, (0.8, 0.5), PAINT),
        Box(TILTED, (0.5, 0.3, 0.7), PAINT),
        Sphere(TILTED, 0.6, PAINT),
        Cylinder(TILTED, 0.4, 0.6, PAINT),
    ],
    ids=["quad", "box", "sphere", "cylinder"],
)
def test_hits_lie_on_the_surface_and_nothing_lies_before_them(shape: Primitive) -> None:
    scene = SceneDescription((shape,), (0.0, 0.0, 0.0), 0.0, (3.0, 0.0, 3.0))
    camera = centred_camera(60, 50, 60.0)
    cam_from_world = look_at(np.array([2.0, 1.5, 1.0]), np.zeros(3))
    surface = render_depth(scene, camera, cam_from_world)
    hit = surface.object_id == 0
    assert 100 < hit.sum() < hit.size
    assert not surface.depth[~hit].any()
    assert not surface.points[~hit].any()
    local_from_cam = invert_rigid(shape.world_from_local) @ invert_rigid(cam_from_world)
    rays = np.concatenate([(pixel_grid(50, 60) - [30.0, 25.0]) / 60.0, np.ones((50, 60, 1))], axis=-1)
    for t in np.linspace(0.05, 4.5, 60):
        local = transform_points(local_from_cam, (rays * t).reshape(-1, 3))
        away = distance(shape, torch.from_numpy(local.T.copy())).numpy().reshape(50, 60)
        before = ~hit | (t < surface.depth - 1e-9)
        assert away[before].min() > 0.0
    at_hit = transform_points(local_from_cam, surface.points[hit])
    assert np.abs(distance(shape, torch.from_numpy(at_hit.T.copy())).numpy()).max() < 1e-9


def test_another_view_sees_the_same_points_or_something_before_them() -> None:
    scene = room_scene(0)
    rig = arc_cameras(scene, 2, 160, 120, 130.0)
    first, second = (render_depth(scene, c, p) for c, p in zip(rig.cameras, rig.cam_from_world, strict=True))
    second_from_first = rig.cam_from_world[1] @ invert_rigid(rig.cam_from_world[0])
    in_second = transform_points(second_from_first, first.points.reshape(-1, 3))
    pixels = project(in_second, rig.cameras[1])
    inside = np.all((pixels > 1) & (pixels < [159, 119]), axis=-1)
    column, row = pixels[inside].astype(int).T
    same = second.object_id[row, column] == first.object_id.reshape(-1)[inside]
    ratio = second.depth[row, column] / in_second[inside, 2]
    assert inside.mean() > 0.6
    assert same.mean() > 0.85
    # the nearest pixel's depth: half a pixel of slope is the only difference on the same surface
    assert np.median(np.abs(ratio[same] - 1)) < 2e-3
    assert ratio[~same].min() < 0.95


def test_a_plane_seen_head_on_has_constant_depth() -> None:
    scene, camera = plane_scene(1), centred_camera(40, 30, 30.0)
    surface = render_depth(scene, camera, look_at(np.array([2.5, 0.3, -0.2]), np.array([0.0, 0.3, -0.2])))
    assert np.abs(surface.depth - 2.5).max() < 1e-12


def test_colour_pass_and_depth_pass_see_the_same_geometry() -> None:
    scene = room_scene(2)
    rig = arc_cameras(scene, 1, 64, 48, 50.0)
    rendering = render(scene, rig.cameras[0], rig.cam_from_world[0])
    surface = render_depth(scene, rig.cameras[0], rig.cam_from_world[0])
    assert np.array_equal(rendering.depth, surface.depth)
    assert np.array_equal(rendering.object_id, surface.object_id)
    assert np.array_equal(rendering.points, surface.points)


def test_a_seed_gives_the_same_bytes_and_another_seed_another_room() -> None:
    images = []
    for seed in (0, 0, 1):
        scene = room_scene(seed)
        rig = arc_cameras(scene, 1, 64, 48, 50.0)
        images.append(render(scene, rig.cameras[0], rig.cam_from_world[0]).image)
    assert images[0].tobytes() == images[1].tobytes()
    assert np.abs(images[0].astype(float) - images[2]).mean() > 15.0


def test_surfaces_look_the_same_from_two_sides() -> None:
    """Lambertian and band-limited: colours of points seen twice agree but for resampling."""
    scene = room_scene(0)
    rig = arc_cameras(scene, 2, 160, 120, 130.0)
    one, two = (render(scene, c, p) for c, p in zip(rig.cameras, rig.cam_from_world, strict=True))
    second_from_first = rig.cam_from_world[1] @ invert_rigid(rig.cam_from_world[0])
    in_second = transform_points(second_from_first, one.points.reshape(-1, 3))
    pixels = project(in_second, rig.cameras[1])
    inside = np.flatnonzero(np.all((pixels > 1) & (pixels < [159, 119]), axis=-1))
    column, row = pixels[inside].astype(int).T
    seen = np.abs(two.depth[row, column] / in_second[inside, 2] - 1) < 0.01
    a = one.image.reshape(-1, 3)[inside][seen].mean(-1)
    b = two.image[row, column][seen].mean(-1)
    assert np.corrcoef(a, b)[0, 1] > 0.85


def test_sift_finds_plenty_of_keypoints() -> None:
    scene = room_scene(0)
    rig = arc_cameras(scene, 1, 640, 480, 512.0)
    grey = render(scene, rig.cameras[0], rig.cam_from_world[0], samples=1).image.mean(axis=-1)
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    extractor = pycolmap.FeatureExtractor.create(options)
    keypoints, _ = extractor.extract(pycolmap.Bitmap.from_array(grey.astype(np.uint8)))
    assert len(keypoints) > 1000


def test_rotation_only_cameras_share_their_centre() -> None:
    rig = rotation_only_cameras(room_scene(0), 4, 64, 48, [50.0, 55.0, 60.0, 65.0])
    centres = invert_rigid(rig.cam_from_world)[:, :3, 3]
    assert np.abs(centres - centres[0]).max() < 1e-12
    forward = rig.cam_from_world[:, 2, :2]
    angles = np.degrees(np.unwrap(np.arctan2(forward[:, 1], forward[:, 0])))
    assert np.allclose(np.diff(angles), 8.0)
    assert [camera.fx for camera in rig.cameras] == [50.0, 55.0, 60.0, 65.0]


def test_arc_cameras_look_at_the_centre_from_neighbouring_angles() -> None:
    scene = room_scene(0)
    rig = arc_cameras(scene, 8, 640, 480, 512.0).join(arc_cameras(scene, 2, 300, 400, 350.0, seed=1))
    assert len(rig.cameras) == 10
    assert (rig.cameras[-1].width, rig.cameras[-1].height) == (300, 400)
    for camera, cam_from_world in zip(rig.cameras, rig.cam_from_world, strict=True):
        pixel = project(transform_points(cam_from_world, np.array([scene.centre]))[0], camera)
        assert np.abs(pixel - [camera.cx, camera.cy]).max() < 0.1 * camera.fx
    centres = invert_rigid(rig.cam_from_world)[:8, :2, 3] - np.array(scene.centre)[:2]
    steps = np.diff(np.degrees(np.arctan2(centres[:, 1], centres[:, 0])))
    assert np.allclose(steps, 10.0)


def test_loop_cameras_look_out_of_their_circle() -> None:
    rig = loop_cameras(12, 64, 48, 50.0)
    centres = np.linalg.inv(rig.cam_from_world)[:, :3, 3]
    outward = (centres - centres.mean(axis=0))[:, :2]
    forward = rig.cam_from_world[:, 2, :2]
    np.testing.assert_allclose(np.linalg.norm(outward, axis=1), 1.6, atol=0.15)
    assert ((outward * forward).sum(axis=1) > 0.9 * np.linalg.norm(outward, axis=1)).all()
