"""A folder that `reconstruct` writes is a reference: its cameras, points, dense depth and photos."""

from pathlib import Path

import numpy as np
import pytest
from known_room import Room, make_room

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.colmap import export_colmap
from dust3r_sfm.geometry import project, transform_points
from dust3r_sfm.images import load_views
from dust3r_sfm.io.scene_file import save_scene
from dust3r_sfm.localization import read_reference
from dust3r_sfm.types import AlignmentReport, ImageSpec, Scene, Tracks


def write_scene(room: Room, folder: Path) -> Path:
    """As the exporters write it, with points that all photos see."""
    room.write(folder)
    views = load_views(folder / room.name, ImageSpec(96)).views
    xyz = np.array([0.0, 0.0, 1.0]) + np.random.default_rng(0).uniform(-0.2, 0.2, (12, 3))
    count = len(views)
    pixels = np.stack(
        [
            project(transform_points(pose, xyz), camera)
            for pose, camera in zip(room.rig.cam_from_world, room.rig.cameras, strict=True)
        ],
        axis=1,
    )
    tracks = Tracks(
        xyz,
        np.full((12, 3), 200, np.uint8),
        np.repeat(np.arange(12), count),
        np.tile(np.arange(count), 12),
        pixels.reshape(-1, 2),
    )
    scene = Scene(
        views,
        room.rig.cameras,
        room.rig.cam_from_world,
        tuple(depth.astype(np.float32) for depth in room.depths),
        tuple(np.full(depth.shape, 2.5, np.float32) for depth in room.depths),
        tracks,
        AlignmentReport((), "left out"),
    )
    out = folder / "out"
    export_colmap(scene, out / "sparse" / "0")
    save_scene(scene, out / "scene.npz")
    return out


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("room", 0, 3)


def test_all_of_it_is_read(room: Room, tmp_path: Path) -> None:
    reference = read_reference(write_scene(room, tmp_path))
    assert reference.source == tmp_path / "out"
    assert reference.model == tmp_path / "out" / "sparse" / "0"
    assert [photo.path for photo in reference.photos] == [tmp_path / "room" / f"{k}.png" for k in range(3)]
    for photo, pose, camera in zip(reference.photos, room.rig.cam_from_world, room.rig.cameras, strict=True):
        np.testing.assert_allclose(photo.cam_from_world, pose, atol=1e-9)
        np.testing.assert_allclose(photo.camera.params, (camera.fx, camera.fy, camera.cx, camera.cy))
        assert np.array_equal(reference.depth[photo.name].depth, room.depths[int(photo.name[0])].astype("f4"))
        assert reference.depth[photo.name].confidence.max() == 2.5
    assert len(reference.points.xyz) == 12
    assert len(reference.points.pixels) == 36


def test_photos_that_were_moved_are_asked_for(room: Room, tmp_path: Path) -> None:
    out = write_scene(room, tmp_path)
    (tmp_path / "room").rename(tmp_path / "moved")
    with pytest.raises(InputError, match="say where they are with --images"):
        read_reference(out)
    reference = read_reference(out, tmp_path / "moved")
    assert [photo.path.parent.name for photo in reference.photos] == ["moved"] * 3
