"""Cameras made of cameras: for another image, with other focals, without their lens, of another model."""

from dust3r_sfm.types import CAMERA_MODELS, Camera

_TWO_FOCALS = {
    "SIMPLE_PINHOLE": "PINHOLE",
    "SIMPLE_RADIAL": "OPENCV",
    "RADIAL": "OPENCV",
    "SIMPLE_DIVISION": "DIVISION",
    "SIMPLE_FISHEYE": "FISHEYE",
    "SIMPLE_RADIAL_FISHEYE": "OPENCV_FISHEYE",
    "RADIAL_FISHEYE": "OPENCV_FISHEYE",
}
"""The same lens with two focals. Its coefficients begin with those of the model with one; others are 0."""
_RADIAL = ("SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
"""Lenses whose first coefficient is k1 of `Camera.radial`."""
_WITHIN_OPENCV = ("SIMPLE_RADIAL", "RADIAL", "OPENCV")


def reframe_camera(
    camera: Camera, size: tuple[int, int], focals: tuple[float, float], principal_point: tuple[float, float]
) -> Camera:
    """The same lens before an image of another (width, height), in whose pixels these are. A model with one
    focal becomes that with two where they differ."""
    fx, fy = float(focals[0]), float(focals[1])
    cx, cy = float(principal_point[0]), float(principal_point[1])
    if CAMERA_MODELS[camera.model][0] == 1 and fx == fy:
        return Camera(camera.model, *size, (fx, cx, cy, *camera.distortion))
    model = _TWO_FOCALS.get(camera.model, camera.model)
    return Camera(model, *size, (fx, fy, cx, cy, *_padded(camera.distortion, model)))


def _padded(distortion: tuple[float, ...], model: str) -> tuple[float, ...]:
    return (*distortion, *[0.0] * (CAMERA_MODELS[model][2] - len(distortion)))


def replace_focals(camera: Camera, fx: float, fy: float) -> Camera:
    """The camera but for its focals, in pixels."""
    return reframe_camera(camera, (camera.width, camera.height), (fx, fy), camera.principal_point)


def scale_camera(camera: Camera, scale: float) -> Camera:
    """The camera of the same image with `scale` times as many pixels along each side."""
    size = round(camera.width * scale), round(camera.height * scale)
    focals = scale * camera.fx, scale * camera.fy
    return reframe_camera(camera, size, focals, (scale * camera.cx, scale * camera.cy))


def undistort_camera(camera: Camera) -> Camera:
    """The pinhole behind the camera's lens, which sees things at `undistort_pixels`."""
    return Camera.pinhole(camera.width, camera.height, *camera.focals, *camera.principal_point)


def opencv_camera(camera: Camera) -> Camera:
    """The same camera as COLMAP's OPENCV, with two focals, k1, k2, p1 and p2. Raises ValueError for a lens
    that this model does not hold."""
    if not (camera.is_pinhole or camera.model in _WITHIN_OPENCV):
        raise ValueError(f"a {camera.model} camera has no OPENCV form: undistort its photos first")
    bent = () if camera.is_pinhole else camera.distortion
    pinhole = undistort_camera(camera)
    return Camera("OPENCV", camera.width, camera.height, (*pinhole.params, *_padded(bent, "OPENCV")))


def radial_coefficient(camera: Camera) -> float | None:
    """k1, if the camera is a `Camera.radial` (0 of a pinhole), which is what alignment solves for; None of
    any other lens."""
    if camera.is_pinhole:
        return 0.0
    known = camera.model in _RADIAL and not any(camera.distortion[1:])
    return camera.distortion[0] if known else None


def mean_focal(camera: Camera) -> float:
    """Of both, in pixels."""
    return sum(camera.focals) / 2
