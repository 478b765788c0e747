"""COLMAP's database of a scene, read by pycolmap, and mapped from."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.exporters.colmap_database import export_colmap_database, shared_observations
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.types import Tracks


@pytest.fixture(scope="module")
def path(truth, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("work") / "database.db"
    export_colmap_database(truth.scene, path)
    return path


@pytest.fixture
def database(path: Path) -> Iterator[pycolmap.Database]:
    with pycolmap.Database.open(path) as database:
        yield database


def test_photos_are_those_of_the_scene(database, truth, stored_pixels) -> None:
    tracks = truth.scene.tracks
    for index, (view, stored) in enumerate(zip(truth.scene.views, truth.cameras, strict=True)):
        image = database.read_image(index + 1)
        assert image.name == view.name
        camera = database.read_camera(image.camera_id)
        assert camera.has_prior_focal_length
        assert (camera.width, camera.height) == view.original_size
        np.testing.assert_allclose(camera.params, stored.params, atol=1e-9)
        keypoints = database.read_keypoints(index + 1)[:, :2]
        np.testing.assert_allclose(keypoints, stored_pixels[tracks.view_index == index], atol=1e-3)
    assert database.num_images() == len(truth.scene.views)
    assert database.num_frames() == len(truth.scene.views)
    assert database.num_cameras() == database.num_rigs() == 3


def test_matches_join_observations_of_one_point_and_fit_the_geometry(database, truth) -> None:
    tracks, pairs = truth.scene.tracks, 0
    points = [tracks.point_index[tracks.view_index == index] for index in range(len(truth.scene.views))]
    for i in range(len(points)):
        for j in range(i + 1, len(points)):
            common = np.intersect1d(points[i], points[j])
            assert database.exists_matches(i + 1, j + 1) == (len(common) > 0)
            if not len(common):
                continue
            matches = database.read_matches(i + 1, j + 1)
            np.testing.assert_array_equal(points[i][matches[:, 0]], common)
            np.testing.assert_array_equal(points[j][matches[:, 1]], common)
            geometry = database.read_two_view_geometry(i + 1, j + 1)
            np.testing.assert_array_equal(geometry.inlier_matches, matches)
            relative = truth.cam_from_world[j] @ np.linalg.inv(truth.cam_from_world[i])
            np.testing.assert_allclose(geometry.cam2_from_cam1.matrix(), relative[:3], atol=1e-9)
            ends = [
                database.read_keypoints(k + 1)[m, :2] for k, m in ((i, matches[:, 0]), (j, matches[:, 1]))
            ]
            x, y = (np.column_stack([e.astype(np.float64), np.ones(len(e))]) for e in ends)
            lines = x @ geometry.F.T
            off = np.abs((y * lines).sum(axis=1)) / np.linalg.norm(lines[:, :2], axis=1)
            assert off.max() < 1e-2
            pairs += 1
    assert pairs == database.num_verified_image_pairs() > 10


def test_a_database_that_is_there_stays(path: Path, truth) -> None:
    before = path.read_bytes()
    with pytest.raises(OutputError, match="is there already"):
        export_colmap_database(truth.scene, path)
    assert path.read_bytes() == before


def test_shared_observations_are_what_a_slow_search_finds() -> None:
    rng = np.random.default_rng(3)
    point = np.sort(rng.integers(0, 40, 200))
    view = rng.integers(0, 6, 200)
    tracks = Tracks(np.zeros((40, 3)), np.zeros((40, 3), np.uint8), point, view, np.zeros((200, 2)))
    number: dict[int, int] = defaultdict(int)
    first: dict[tuple[int, int], int] = {}
    for p, v in zip(point.tolist(), view.tolist(), strict=True):
        first.setdefault((v, p), number[v])
        number[v] += 1
    expected = {
        (i, j): [(first[i, p], first[j, p]) for p in range(40) if (i, p) in first and (j, p) in first]
        for i in range(6)
        for j in range(i + 1, 6)
    }
    found = {(s.i, s.j): [tuple(m) for m in s.matches.tolist()] for s in shared_observations(tracks, 6)}
    assert found == {pair: matches for pair, matches in expected.items() if matches}
    assert list(shared_observations(Tracks.empty(), 3)) == []


def test_colmap_s_mapper_finds_the_same_cameras(path, truth, tmp_path) -> None:
    models = pycolmap.incremental_mapping(path, tmp_path, tmp_path)
    largest = max(models.values(), key=lambda model: model.num_reg_images())
    poses = {image.name: image.cam_from_world().matrix()[:, :3] for image in largest.images.values()}
    true = {v.name: p[:3, :3] for v, p in zip(truth.scene.views, truth.cam_from_world, strict=True)}
    assert len(poses) >= len(truth.scene.views) - 1  # One sees nothing.
    names = sorted(poses)
    for name in names[1:]:
        ours, theirs = (rotations[name] @ rotations[names[0]].T for rotations in (true, poses))
        assert rotation_angle_deg(theirs @ ours.T) < 0.1
    assert largest.compute_mean_reprojection_error() < 0.1
