"""Photos taken around things and past them."""

import numpy as np

from dust3r_sfm.synthetic.cameras import Rig, arc_cameras
from dust3r_sfm.synthetic.paths import draw_camera, walk
from dust3r_sfm.synthetic.places.facade import draw_front, facade_scene
from dust3r_sfm.synthetic.places.low_texture import low_texture_scene
from dust3r_sfm.synthetic.places.open_ground import open_ground_scene
from dust3r_sfm.synthetic.places.relief_wall import relief_wall_scene
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.places.table_object import table_object_scene
from dust3r_sfm.synthetic.scenes import SceneDescription, room_scene


def shoot_room(request: Request) -> Shoot:
    """The corner of a furnished room from an arc of 100 degrees."""
    camera = draw_camera(request.seed, request.width, request.height)
    return Shoot(
        room_scene(request.seed),
        _arc(room_scene(request.seed), request, camera.fx, 100.0 / request.count, 3.3, 1.45),
    )


def _arc(
    scene: SceneDescription,
    request: Request,
    focal_px: float,
    step_deg: float,
    radius: float,
    eye_height: float,
    wander: float = 1.0,
) -> Rig:
    return arc_cameras(
        scene,
        request.count,
        request.width,
        request.height,
        focal_px,
        step_deg,
        radius,
        eye_height,
        request.seed,
        wander,
    )


def shoot_room_walk(request: Request) -> Shoot:
    """The same rooms, walked through from the far corner past the furniture."""
    camera = draw_camera(request.seed, request.width, request.height)
    eyes = np.array([[5.3, 4.9, 1.5], [4.4, 4.0, 1.55], [4.1, 2.8, 1.45], [3.9, 1.7, 1.5], [3.0, 1.2, 1.4]])
    aims = np.array([[1.2, 1.3, 0.8], [0.9, 1.0, 0.9], [0.6, 1.2, 0.8], [0.4, 1.6, 0.8], [0.3, 2.3, 0.9]])
    return Shoot(room_scene(request.seed), walk(camera, request.count, eyes, aims, request.seed))


def shoot_table_object(request: Request) -> Shoot:
    """Once around the table."""
    scene, camera = table_object_scene(request.seed), draw_camera(request.seed, request.width, request.height)
    radius = 1.35 * (0.5 + 0.5 * camera.fx / request.width)
    return Shoot(scene, _arc(scene, request, camera.fx, 360.0 / request.count, radius, 1.45, 0.6))


def shoot_relief_wall(request: Request) -> Shoot:
    """An arc of 70 degrees before the wall."""
    scene, camera = relief_wall_scene(request.seed), draw_camera(request.seed, request.width, request.height)
    radius = 2.6 * (0.4 + 0.6 * camera.fx / request.width)
    return Shoot(scene, _arc(scene, request, camera.fx, 70.0 / request.count, radius, 1.5))


def shoot_facade(request: Request) -> Shoot:
    """Along the street: most look at the front or a little ahead, some along it, one up."""
    scene, front = facade_scene(request.seed), draw_front(request.seed)
    camera = draw_camera(request.seed, request.width, request.height)
    rng = np.random.default_rng(request.seed + 9)
    far, count = 6.5 + 3.0 * camera.fx / request.width, request.count
    y = np.linspace(-0.75, 0.75, count) * front.half_width
    ahead = np.where(rng.random(count) < 0.35, rng.uniform(4.0, 8.0, count), 0.6) * rng.choice(
        [-1.0, 1.0], count
    )
    up = np.full(count, 2.9)
    up[count // 2] = 8.0
    eyes = np.stack([far + rng.uniform(-1.2, 1.2, count), y, np.full(count, 1.65)], axis=-1)
    rig = walk(camera, count, eyes, np.stack([np.zeros(count), y + ahead, up], axis=-1), request.seed)
    return Shoot(scene, rig)


def shoot_open_ground(request: Request) -> Shoot:
    """Along the path, looking to both sides and turning."""
    scene, camera = open_ground_scene(request.seed), draw_camera(request.seed, request.width, request.height)
    eyes = np.array(
        [[-6.0, 0.3, 1.6], [-4.5, -0.2, 1.65], [-3.0, 0.4, 1.6], [-1.5, -0.6, 1.6], [0.0, -0.9, 1.55]]
    )
    aims = np.array([[6.0, 0.0, 0.9], [4.0, 4.5, 0.8], [5.0, 0.0, 0.8], [3.0, -5.0, 0.9], [6.0, 3.0, 0.9]])
    return Shoot(scene, walk(camera, request.count, eyes, aims, request.seed, step_jitter_m=0.08))


def shoot_low_texture_object(request: Request) -> Shoot:
    """All around the model, in equal steps: 23 degrees with 16 photos, as the Middlebury temple's ring."""
    scene, camera = low_texture_scene(request.seed), draw_camera(request.seed, request.width, request.height)
    radius = 1.05 * camera.fx / request.width
    return Shoot(
        scene, _arc(scene, request, camera.fx, 23.0 * 16 / request.count, max(radius, 0.85), 0.75, 0.25)
    )
