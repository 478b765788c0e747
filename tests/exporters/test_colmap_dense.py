"""The dense workspace, as COLMAP's own programs take it."""

import numpy as np
import pycolmap
import pytest
from PIL import Image
from plane_world import MIXED, PLANE_Z, color_of, plane_scene, with_lens, write_photos
from trainer_readers import splat_folder

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.colmap_dense import export_colmap_dense, read_array, write_array
from dust3r_sfm.exporters.config import ColmapDense
from dust3r_sfm.geometry import invert_rigid, pixel_grid, transform_points, unproject
from dust3r_sfm.progress import Silent
from dust3r_sfm.types import Camera


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    shots = with_lens(MIXED, -0.1)
    photos = tmp_path_factory.mktemp("photos")
    write_photos(photos, shots)
    folder = tmp_path_factory.mktemp("export") / "dense"
    export_colmap_dense(plane_scene(photos, shots), folder, ColmapDense(), Silent())
    return folder


def test_arrays_are_colmaps_byte_for_byte(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    write_array(values, tmp_path / "a.bin")
    # Width, height, channels; then one channel after the other, each row by row.
    rows = np.array([0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11], dtype="<f4")
    assert (tmp_path / "a.bin").read_bytes() == b"3&2&2&" + rows.tobytes()
    np.testing.assert_array_equal(read_array(tmp_path / "a.bin"), values)


@pytest.mark.parametrize("content", [b"", b"3&2&", b"a&b&c&", b"3&2&2&1234"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.bin: is no COLMAP depth or normal map"):
        read_array(tmp_path / "a.bin")


def test_every_image_has_its_maps_and_its_line(workspace):
    images = splat_folder(workspace, "sparse")
    names = [image.path.name for image in images]
    assert (workspace / "stereo" / "fusion.cfg").read_text().splitlines() == names
    lines = (workspace / "stereo" / "patch-match.cfg").read_text().splitlines()
    assert lines[::2] == names
    assert set(lines[1::2]) == {"__auto__, 20"}
    for kind in ("depth_maps", "normal_maps"):
        maps = {path.name: path for path in (workspace / "stereo" / kind).iterdir()}
        assert set(maps) == {f"{n}.{form}.bin" for n in names for form in ("geometric", "photometric")}
        for name in names:
            assert maps[f"{name}.geometric.bin"].read_bytes() == maps[f"{name}.photometric.bin"].read_bytes()


def test_depth_and_normals_are_the_planes(workspace):
    for image in splat_folder(workspace, "sparse"):
        maps = [
            workspace / "stereo" / kind / f"{image.path.name}.geometric.bin"
            for kind in ("depth_maps", "normal_maps")
        ]
        depth, normals = (read_array(path) for path in maps)
        height, width = depth.shape[:2]
        # COLMAP scales cameras to its maps by the ratio of sizes.
        x, y = width / image.width, height / image.height
        camera = Camera.pinhole(width, height, image.fx * x, image.fy * y, width / 2, height / 2)
        known = depth[..., 0] > 0
        assert known.mean() > 0.8
        points = unproject(pixel_grid(height, width)[known], depth[known][:, 0].astype(float), camera)
        in_world = transform_points(invert_rigid(image.cam_from_world), points)
        assert np.abs(in_world[:, 2] - PLANE_Z).max() < 0.02
        # Towards the camera, in the camera's frame.
        expected = image.cam_from_world[:3, :3] @ [0.0, 0.0, -1.0]
        cosine = (normals @ expected)[known]
        assert np.median(cosine) > 0.9999
        assert (cosine > 0.99).mean() > 0.95
        assert (normals[~known] == 0).all()


def test_stereo_fusion_makes_a_cloud_of_it(workspace, tmp_path):
    options = pycolmap.StereoFusionOptions(min_num_pixels=3, num_threads=1)
    fused = pycolmap.stereo_fusion(
        tmp_path / "fused.ply", workspace, input_type="geometric", options=options, output_type="ply"
    )
    points = np.array([point.xyz for point in fused.points3D.values()])
    colors = np.array([point.color for point in fused.points3D.values()])
    assert len(points) > 1000
    assert np.abs(points[:, 2] - PLANE_Z).max() < 0.02
    assert np.median(np.abs(colors - color_of(points))) < 4.0


def test_a_smaller_workspace_has_smaller_images(tmp_path):
    write_photos(tmp_path / "photos", MIXED[:2])
    config = ColmapDense(long_edge=80)
    export_colmap_dense(plane_scene(tmp_path / "photos", MIXED[:2]), tmp_path / "out", config, Silent())
    for path in (tmp_path / "out" / "images").iterdir():
        with Image.open(path) as image:
            assert max(image.size) == 80
    for path in (tmp_path / "out" / "stereo" / "depth_maps").iterdir():
        assert max(read_array(path).shape) <= 80
