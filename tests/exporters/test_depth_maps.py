"""Depth and confidence files."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.depth_maps import confidence_picture, depth_picture, export_depth_maps


def _rgb(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB")).astype(int)


def test_npz_round_trip_and_pictures(scene, tmp_path):
    export_depth_maps(scene, tmp_path / "depth")
    for index, view in enumerate(scene.views):
        with np.load(tmp_path / "depth" / f"{view.name}.npz", allow_pickle=False) as file:
            arrays = dict(file)
        assert arrays["depth"].dtype == arrays["confidence"].dtype == np.float32
        np.testing.assert_array_equal(arrays["depth"], scene.depth[index].astype(np.float32))
        np.testing.assert_array_equal(arrays["confidence"], scene.confidence[index].astype(np.float32))
        np.testing.assert_array_equal(arrays["K"], scene.cameras[index].matrix)
        np.testing.assert_array_equal(arrays["pixel_from_original"], view.pixel_from_original)
        np.testing.assert_array_equal(arrays["cam_from_world"], scene.cam_from_world[index])
        for kind in ("depth", "confidence"):
            picture = Image.open(tmp_path / "depth" / f"{view.name}.{kind}.png")
            assert (picture.mode, picture.size) == ("P", view.size)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3 * len(scene.views)


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/etc/x.jpg", "a/../../x.jpg", "..", "", "C:\\x.jpg", "a\\..\\..\\x"]
)
def test_names_cannot_leave_the_folder(scene, tmp_path, name):
    views = (replace(scene.views[0], name=name), *scene.views[1:])
    with pytest.raises(InputError, match="leads out of the output folder"):
        export_depth_maps(replace(scene, views=views), tmp_path / "depth")
    assert list(tmp_path.iterdir()) == []


def test_near_is_red_far_is_blue_unknown_is_black():
    depth = np.array([[1.0, 10.0, 0.0, np.nan, np.inf]])
    near, far, *unknown = _rgb(depth_picture(depth))[0]
    assert near[0] > 200 > near[2]
    assert far[2] > far[0]
    assert not np.any(unknown)


def test_constant_and_empty_depth_have_pictures():
    assert np.ptp(_rgb(depth_picture(np.full((2, 3), 5.0))).reshape(-1, 3), axis=0).max() == 0
    assert not _rgb(depth_picture(np.zeros((2, 3)))).any()


def test_confidence_colours_do_not_depend_on_the_rest_of_the_map():
    alone = _rgb(confidence_picture(np.array([[2.0]])))[0, 0]
    among = _rgb(confidence_picture(np.array([[2.0, 1.0, 100.0]])))[0]
    np.testing.assert_array_equal(alone, among[0])
    assert len(np.unique(among, axis=0)) == 3
