"""One camera type: COLMAP's models and params, and nothing that pycolmap would not take."""

import numpy as np
import pycolmap
import pytest

from dust3r_sfm import Camera
from dust3r_sfm.geometry.colmap.cameras import camera_from_pycolmap, pycolmap_camera
from dust3r_sfm.types import CAMERA_MODELS

MODELS = [name for name in pycolmap.CameraModelId.__members__ if name != "INVALID"]


@pytest.mark.parametrize("model", MODELS)
def test_the_table_of_params_is_pycolmap_s(model: str) -> None:
    identity = pycolmap.CameraModelId.__members__[model]
    given = pycolmap.Camera.create_from_model_id(1, identity, 500.0, 640, 480)
    parts = given.focal_length_idxs(), given.principal_point_idxs(), given.extra_params_idxs()
    if model == "EQUIRECTANGULAR":  # The size of a turn in pixels, which pycolmap counts to none of them.
        assert CAMERA_MODELS[model] == (0, 0, len(given.params))
    else:
        assert CAMERA_MODELS[model] == tuple(len(part) for part in parts)
        assert [number for part in parts for number in part] == list(range(len(given.params)))


@pytest.mark.parametrize("model", MODELS)
def test_to_pycolmap_and_back(model: str) -> None:
    camera = Camera(model, 640, 480, tuple(float(k + 1) for k in range(sum(CAMERA_MODELS[model]))))
    given = pycolmap_camera(camera, 7)
    assert given.verify_params()
    assert given.camera_id == 7
    assert camera_from_pycolmap(given) == camera


@pytest.mark.parametrize("model", [model for model in MODELS if model != "EQUIRECTANGULAR"])
def test_parts_of_the_params_are_where_pycolmap_has_them(model: str) -> None:
    camera = Camera(model, 640, 480, tuple(float(k + 1) for k in range(sum(CAMERA_MODELS[model]))))
    given = pycolmap_camera(camera)
    assert camera.focals == (camera.fx, camera.fy) == (given.focal_length_x, given.focal_length_y)
    assert camera.principal_point == (camera.cx, camera.cy)
    assert camera.principal_point == (given.principal_point_x, given.principal_point_y)
    assert camera.distortion == tuple(given.params[list(given.extra_params_idxs())])
    np.testing.assert_array_equal(camera.matrix, given.calibration_matrix())


def test_a_wrong_number_of_params_is_refused() -> None:
    with pytest.raises(ValueError, match="a PINHOLE camera has 4 params, but 3 are given"):
        Camera("PINHOLE", 640, 480, (500.0, 320.0, 240.0))


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'FISH' is none of COLMAP's .* OPENCV_FISHEYE"):
        Camera("FISH", 640, 480, (500.0, 320.0, 240.0))


def test_what_is_no_lens_with_a_focal_says_so() -> None:
    with pytest.raises(ValueError, match="EQUIRECTANGULAR cameras have no focal length"):
        _ = Camera("EQUIRECTANGULAR", 640, 320, (640.0, 320.0)).fx


def test_one_radial_coefficient_or_none() -> None:
    parts = 640, 480, 500.0, 510.0, 320.0, 240.0
    assert Camera.radial(*parts, 0.0) == Camera.pinhole(*parts)
    assert Camera.radial(*parts, 0.0).is_pinhole
    bent = Camera.radial(*parts, -0.1)
    assert bent == Camera("OPENCV", 640, 480, (500.0, 510.0, 320.0, 240.0, -0.1, 0.0, 0.0, 0.0))
    assert not bent.is_pinhole


def test_a_fisheye_is_no_pinhole_whatever_its_coefficients() -> None:
    assert not Camera("OPENCV_FISHEYE", 640, 480, (500.0, 500.0, 320.0, 240.0, 0.0, 0.0, 0.0, 0.0)).is_pinhole
    assert not Camera("SIMPLE_FISHEYE", 640, 480, (500.0, 320.0, 240.0)).is_pinhole
    assert Camera("RADIAL", 640, 480, (500.0, 320.0, 240.0, 0.0, 0.0)).is_pinhole
