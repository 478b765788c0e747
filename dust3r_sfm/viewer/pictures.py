"""Photos as the viewer lays them over the points: what a pinhole in the camera's place would have taken."""

import io
import logging
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from dust3r_sfm.errors import UnusablePhotoError
from dust3r_sfm.geometry import apply_affine, pixel_grid, project, unproject
from dust3r_sfm.geometry.cameras import reframe_camera, undistort_camera
from dust3r_sfm.geometry.resampling import inside, sample_nearest
from dust3r_sfm.images.decoding import read_photo
from dust3r_sfm.types import Affine, Camera, ImageSpec
from dust3r_sfm.viewer.scene import ViewedPhoto

_logger = logging.getLogger(__name__)


def jpeg_of(image: UInt8[np.ndarray, "h w 3"], long_edge: int, quality: int) -> bytes:
    """Made smaller where it is larger."""
    picture = Image.fromarray(image)
    picture.thumbnail((long_edge, long_edge), Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="JPEG", quality=quality)
    return file.getvalue()


def pinhole_of(camera: Camera) -> Camera:
    """What stands for the camera where only pinholes can be drawn: the one behind its lens; of a panorama one
    that sees 90 degrees across."""
    if camera.has_focals:
        return undistort_camera(camera)
    width, height = camera.width, camera.height
    return Camera.pinhole(width, height, width / 2, width / 2, width / 2, height / 2)


def picture_of(photo: ViewedPhoto, long_edge: int) -> UInt8[np.ndarray, "h w 3"] | None:
    """As `pinhole_of` its camera sees it, black where the photo does not reach; None where there is none, or
    it cannot be read, which is logged."""
    read = _read(photo, long_edge)
    if read is None:
        return None
    image, picture_from_camera = read
    camera = photo.camera
    share = min(1.0, long_edge / max(camera.width, camera.height))
    width, height = max(1, round(camera.width * share)), max(1, round(camera.height * share))
    grid = pixel_grid(height, width).reshape(-1, 2) * [camera.width / width, camera.height / height]
    seen = apply_affine(picture_from_camera, _through_lens(grid, camera))
    found = sample_nearest(image, np.nan_to_num(seen, nan=-1.0))
    found[~inside(seen, *image.shape[:2])] = 0
    return found.reshape(height, width, 3)


def _through_lens(pixels: Float[np.ndarray, "n 2"], camera: Camera) -> Float[np.ndarray, "n 2"]:
    """Where the camera sees what its pinhole sees at these pixels."""
    if camera.is_pinhole:
        return pixels
    return project(unproject(pixels, np.ones(len(pixels)), pinhole_of(camera)), camera)


def _read(photo: ViewedPhoto, long_edge: int) -> tuple[UInt8[np.ndarray, "h w 3"], Affine] | None:
    """The picture, and what takes pixels of the camera to its."""
    camera, source = photo.camera, photo.picture
    if source is None:
        return None
    if isinstance(source, bytes):
        image = np.asarray(Image.open(io.BytesIO(source)).convert("RGB"))
        return image, np.diag([image.shape[1] / camera.width, image.shape[0] / camera.height, 1.0])
    return _read_file(source, camera, long_edge)


def _read_file(
    path: Path, camera: Camera, long_edge: int
) -> tuple[UInt8[np.ndarray, "h w 3"], Affine] | None:
    try:
        stored = read_photo(path, ImageSpec(long_edge=long_edge), min_side_px=1)
    except (UnusablePhotoError, OSError) as error:
        _logger.warning("%s: is not shown (%s)", path, error)
        return None
    # A model may be of larger photos than those that are at hand.
    width, height = stored.stored_size
    return stored.rgb, stored.pixel_from_original @ np.diag([width / camera.width, height / camera.height, 1])


def view_camera_of(photo: ViewedPhoto) -> Camera:
    """The pinhole with its principal point in the middle that reaches as far as the photo does: the only one
    that browsers look through."""
    pinhole = pinhole_of(photo.camera)
    half_width = max(pinhole.cx, pinhole.width - pinhole.cx)
    half_height = max(pinhole.cy, pinhole.height - pinhole.cy)
    size = max(1, round(2 * half_width)), max(1, round(2 * half_height))
    return reframe_camera(pinhole, size, pinhole.focals, (half_width, half_height))
