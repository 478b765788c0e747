"""A portrait by EXIF, a square and landscapes of one room, from stored files to a nerfstudio folder."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest
import trimesh
from dust3r_sfm_nerfstudio.command import ProcessDust3r
from dust3r_sfm_nerfstudio.running import run
from PIL import Image
from trainer_readers import nerfstudio_folder, splat_folder

from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg
from dust3r_sfm.synthetic.cameras import arc_cameras, centred_camera
from dust3r_sfm.synthetic.rendering.render import render
from dust3r_sfm.synthetic.scenes import room_scene

FOCAL = 384.0
KINDS = ((480, 360, 1), (360, 480, 6), (400, 400, 1), (360, 480, 8), (480, 360, 1))
"""Width and height of the upright photo, and the EXIF orientation it is stored with."""
TURNS = {1: 0, 6: 1, 8: -1}


def write_photos(folder: Path) -> np.ndarray:
    """Photos in the order of their names; returns the true poses of the upright cameras."""
    room = room_scene(3)
    poses = arc_cameras(room, len(KINDS), 480, 360, FOCAL, step_deg=8.0).cam_from_world
    folder.mkdir()
    for index, (width, height, orientation) in enumerate(KINDS):
        picture = render(room, centred_camera(width, height, FOCAL), poses[index]).image
        exif = Image.Exif()
        exif[274] = orientation
        stored = Image.fromarray(np.ascontiguousarray(np.rot90(picture, TURNS[orientation])))
        stored.save(folder / f"{index}.jpg", quality=95, subsampling=0, exif=exif)
    return poses


@pytest.mark.slow
def test_one_consistent_dataset(tmp_path: Path) -> None:
    true = write_photos(tmp_path / "photos")
    out = tmp_path / "out"
    assert run(ProcessDust3r(tmp_path / "photos", out, regressor="stereo")) == 0
    images, (frames, applied) = splat_folder(out), nerfstudio_folder(out)
    assert [(each.width, each.height) for each in images] == [kind[:2] for kind in KINDS]
    assert all(abs(each.fx / FOCAL - 1) < 0.005 for each in images)
    # Up is up in all of them: rotations from one camera to another are the true ones.
    for each, pose in zip(images, true, strict=True):
        found = each.cam_from_world @ invert_rigid(images[0].cam_from_world)
        expected = pose @ invert_rigid(true[0])
        assert rotation_angle_deg(found[:3, :3] @ expected[:3, :3].T) < 0.3
    errors_px, off_colours = reprojected(out, frames)
    assert errors_px.mean() < 0.5
    assert np.median(off_colours) < 8
    turn = np.vstack([applied, [0.0, 0.0, 0.0, 1.0]])
    for each, frame in zip(images, frames, strict=True):
        np.testing.assert_allclose(frame.world_from_cam, turn @ invert_rigid(each.cam_from_world), atol=1e-6)


def reprojected(out: Path, frames: list) -> tuple[np.ndarray, np.ndarray]:
    """Points of sparse_pc.ply, seen by the cameras of transforms.json, against what sparse/0 observes and
    what the images show there: pixels, and levels of 255."""
    model = pycolmap.Reconstruction(out / "sparse" / "0")
    place = {number: row for row, number in enumerate(sorted(model.points3D))}
    cloud = np.asarray(trimesh.load(out / "sparse_pc.ply").vertices)
    errors_px, off_colours = [], []
    for image, frame in zip((model.images[i] for i in sorted(model.images)), frames, strict=True):
        seen = [point for point in image.points2D if point.has_point3D()]
        observed = np.array([point.xy for point in seen])
        rows = [place[point.point3D_id] for point in seen]
        c = frame.camera
        K = np.array([[c["fl_x"], 0, c["cx"]], [0, c["fl_y"], c["cy"]], [0, 0, 1]])
        cam = invert_rigid(frame.world_from_cam)
        rays = (cloud[rows] @ cam[:3, :3].T + cam[:3, 3]) @ K.T
        errors_px.append(np.linalg.norm(rays[:, :2] / rays[:, 2:] - observed, axis=1))
        shown = np.asarray(Image.open(frame.image)).astype(float)
        column, row = observed.astype(int).T
        colours = np.array([model.points3D[point.point3D_id].color for point in seen], dtype=float)
        off_colours.append(np.abs(shown[row, column] - colours).mean(axis=1))
    return np.concatenate(errors_px), np.concatenate(off_colours)
