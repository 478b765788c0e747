"""COLMAP's binary files, read within their own bounds: a count that the file has no bytes for is refused
before room is made for anything. (pycolmap 4 believes any count: a cut file keeps its reader busy, and takes
memory, without end.) Layouts: https://colmap.github.io/format.html."""

from functools import cache
from pathlib import Path
from struct import Struct

import numpy as np
import pycolmap
from jaxtyping import Float, Int

from dust3r_sfm.io.colmap.records import FrameRecord, ImageRecord, PointRecords, TrackRecords, camera_record
from dust3r_sfm.io.values import pose_from_words
from dust3r_sfm.types import Camera
from dust3r_sfm.types.cameras import CAMERA_MODELS

_COUNT = Struct("<Q")
_CAMERA = Struct("<IiQQ")
_IMAGE, _CAMERA_ID = Struct("<I7d"), Struct("<I")
_KEYPOINT = np.dtype([("xy", "<f8", 2), ("point3D_id", "<u8")])
_POINT = Struct("<Q3d3BdQ")
_POINT_FIELDS = np.dtype(
    [("id", "<u8"), ("xyz", "<f8", 3), ("rgb", "u1", 3), ("error", "<f8"), ("length", "<u8")]
)
_OBSERVATION = np.dtype([("image_id", "<u4"), ("point2D_index", "<u4")])
_RIG, _SENSOR, _HAS_POSE, _POSE = Struct("<II"), Struct("<iI"), Struct("<B"), Struct("<7d")
_FRAME, _DATA = Struct("<II7dI"), Struct("<iIQ")
_CAMERA_SENSOR = int(pycolmap.SensorType.CAMERA)


class Cursor:
    """A place in a file's bytes. Raises ValueError where these end too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, layout: Struct) -> tuple[int | float, ...]:
        """The next values."""
        return layout.unpack_from(self._data, self._step(layout.size))

    def count(self, least_size: int) -> int:
        """The next value, a number of records of so many bytes each at least."""
        number, left = int(self.take(_COUNT)[0]), len(self._data) - self._at
        if number * least_size > left:
            raise ValueError(f"it speaks of {number} records, and has {left} bytes for them")
        return number

    def rows(self, dtype: np.dtype, number: int) -> np.ndarray:
        """As many records of one size."""
        return np.frombuffer(self._data, dtype, number, self._step(number * dtype.itemsize))

    def text(self) -> str:
        """Up to the next zero byte. Raises UnicodeDecodeError, a ValueError, for other text than UTF-8."""
        end = self._data.find(0, self._at)
        length = (end if end >= 0 else len(self._data)) - self._at
        start = self._step(length + 1)
        return self._data[start : start + length].decode("utf-8")

    def finish(self) -> None:
        """Raises ValueError if there is more."""
        if self._at != len(self._data):
            raise ValueError(f"{len(self._data) - self._at} bytes follow its last record")

    def _step(self, size: int) -> int:
        start = self._at
        if start + size > len(self._data):
            raise ValueError("it ends within a record")
        self._at += size
        return start


def read_binary_cameras(file: Path) -> list[tuple[int, Camera]]:
    """By number. Raises ValueError for bytes that are no cameras, here and below."""
    cursor = Cursor(file.read_bytes())
    found = [_camera(cursor) for _ in range(cursor.count(_CAMERA.size))]
    cursor.finish()
    return found


def _camera(cursor: Cursor) -> tuple[int, Camera]:
    number, model, width, height = cursor.take(_CAMERA)
    name = _model_names().get(int(model), "")
    if name not in CAMERA_MODELS:
        raise ValueError(f"{model} is no camera model of COLMAP's")
    params = cursor.rows(np.dtype("<f8"), sum(CAMERA_MODELS[name])).tolist()
    return int(number), camera_record(name, width, height, params)


def read_binary_images(file: Path) -> list[tuple[int, ImageRecord]]:
    """By number."""
    cursor = Cursor(file.read_bytes())
    least = _IMAGE.size + _CAMERA_ID.size + 1 + _COUNT.size
    found = [_image(cursor) for _ in range(cursor.count(least))]
    cursor.finish()
    return found


def read_binary_keypoints(file: Path) -> list[tuple[int, ImageRecord, Float[np.ndarray, "n 2"]]]:
    """Images by number, with the continuous pixels of their keypoints."""
    cursor = Cursor(file.read_bytes())
    least = _IMAGE.size + _CAMERA_ID.size + 1 + _COUNT.size
    found = [_image_with_pixels(cursor) for _ in range(cursor.count(least))]
    cursor.finish()
    return found


def _image(cursor: Cursor) -> tuple[int, ImageRecord]:
    number, record, _ = _image_with_pixels(cursor)
    return number, record


def _image_with_pixels(cursor: Cursor) -> tuple[int, ImageRecord, Float[np.ndarray, "n 2"]]:
    number, *pose = cursor.take(_IMAGE)
    (camera,) = cursor.take(_CAMERA_ID)
    name = cursor.text()
    try:
        cam_from_world = pose_from_words(pose)
    except ValueError as error:
        raise ValueError(f"the pose of {name!r}: {error}") from error
    keypoints = cursor.rows(_KEYPOINT, cursor.count(_KEYPOINT.itemsize))
    record = ImageRecord(name, int(camera), cam_from_world, keypoints["point3D_id"].copy())
    return int(number), record, keypoints["xy"]


def read_binary_points(file: Path, lengths: Int[np.ndarray, " n"] | None = None) -> PointRecords:
    """Without who observes them. `lengths`: how many do, of each in the order of their numbers, as the images
    tell. Most files have them so, and are then read without a step from record to record, which takes a
    second a million."""
    data = file.read_bytes()
    count = Cursor(data).count(_POINT.size)
    fields = None if lengths is None or len(lengths) != count else _expected_fields(data, lengths)
    if fields is None:
        fields = _fields_at(data, _record_starts(data, count))
    return PointRecords(fields["id"].copy(), fields["xyz"].astype(np.float64), fields["rgb"].copy())


def _expected_fields(data: bytes, lengths: Int[np.ndarray, " n"]) -> np.ndarray | None:
    """Of records of these lengths; None where what stands there says otherwise."""
    sizes = _POINT.size + _OBSERVATION.itemsize * lengths
    starts = _COUNT.size + np.cumsum(sizes) - sizes
    if _COUNT.size + int(sizes.sum()) != len(data):
        return None
    fields = _fields_at(data, starts)
    return fields if (fields["length"] == lengths).all() else None


def _fields_at(data: bytes, starts: Int[np.ndarray, " n"]) -> np.ndarray:
    """Each begins at a byte of its own: the array has one for every byte, of which these are taken."""
    if not len(starts):
        return np.zeros(0, _POINT_FIELDS)
    everywhere = len(data) - _POINT_FIELDS.itemsize + 1
    return np.ndarray((everywhere,), _POINT_FIELDS, data, strides=(1,))[starts]


def _record_starts(data: bytes, count: int) -> Int[np.ndarray, " n"]:
    starts = np.zeros(count, dtype=np.int64)
    at, end, size = _COUNT.size, len(data) - _POINT.size, _OBSERVATION.itemsize
    for row in range(count):
        if at > end:
            raise ValueError("it ends within a record")
        starts[row] = at
        # The last value of a record is the number of observations that follow it.
        at += _POINT.size + size * _COUNT.unpack_from(data, at + _POINT.size - _COUNT.size)[0]
    if at != len(data):
        raise ValueError(f"its records end at byte {at}, and it has {len(data)}")
    return starts


def read_binary_tracks(file: Path) -> TrackRecords:
    cursor = Cursor(file.read_bytes())
    ids, observations = [], []
    for _ in range(cursor.count(_POINT.size)):
        *values, length = cursor.take(_POINT)
        ids.append(int(values[0]))
        observations.append(cursor.rows(_OBSERVATION, int(length)))
    cursor.finish()
    seen = np.concatenate(observations) if observations else np.zeros(0, _OBSERVATION)
    return TrackRecords(
        np.array(ids, dtype=np.uint64),
        seen["image_id"].astype(np.int64),
        seen["point2D_index"].astype(np.int64),
    )


def read_binary_rigs(file: Path) -> list[tuple[int, tuple[int, ...]]]:
    """Cameras of each rig, by its number."""
    cursor = Cursor(file.read_bytes())
    found = [_rig(cursor) for _ in range(cursor.count(_RIG.size))]
    cursor.finish()
    return found


def _rig(cursor: Cursor) -> tuple[int, tuple[int, ...]]:
    number, sensors = (int(value) for value in cursor.take(_RIG))
    cameras = []
    for index in range(sensors):
        kind, sensor = cursor.take(_SENSOR)
        if kind == _CAMERA_SENSOR:
            cameras.append(int(sensor))
        # The first is the one that the others are placed against.
        if index > 0 and _flag(cursor):
            pose_from_words(cursor.take(_POSE))
    return number, tuple(cameras)


def _flag(cursor: Cursor) -> bool:
    (value,) = cursor.take(_HAS_POSE)
    if value not in (0, 1):
        raise ValueError(f"{value} in place of yes or no")
    return value == 1


def read_binary_frames(file: Path) -> list[tuple[int, FrameRecord]]:
    """By number."""
    cursor = Cursor(file.read_bytes())
    found = [_frame(cursor) for _ in range(cursor.count(_FRAME.size))]
    cursor.finish()
    return found


def _frame(cursor: Cursor) -> tuple[int, FrameRecord]:
    number, rig, *pose, data = cursor.take(_FRAME)
    pose_from_words(pose)
    entries = [cursor.take(_DATA) for _ in range(int(data))]
    images = tuple((int(sensor), int(image)) for kind, sensor, image in entries if kind == _CAMERA_SENSOR)
    return int(number), FrameRecord(int(rig), images)


@cache
def _model_names() -> dict[int, str]:
    return {int(model): name for name, model in pycolmap.CameraModelId.__members__.items()}
