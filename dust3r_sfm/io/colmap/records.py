"""What a COLMAP model says, whichever form it is written in, and whether its parts fit together."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from jaxtyping import Float64, Int64, UInt8, UInt64

from dust3r_sfm.io.values import FARTHEST, finite_number, image_size
from dust3r_sfm.types import Camera, Rigid

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

NO_POINT = 2**64 - 1
"""COLMAP's number for a keypoint that shows no point."""


@dataclass(frozen=True)
class ImageRecord:
    """A registered image of a model."""

    name: str
    """As the model has it: the path below the folder of photos."""
    camera_id: int
    """Of its camera."""
    cam_from_world: Rigid
    """OpenCV axes of the stored file, before any EXIF rotation."""
    point_ids: UInt64[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, np.uint64))
    """Of its keypoints' points; `NO_POINT` where a keypoint shows none."""


@dataclass(frozen=True)
class TrackRecords:
    """The points of a model, without their places, and which keypoints show them."""

    point_ids: UInt64[np.ndarray, " points"]
    """Of each point."""
    image_ids: Int64[np.ndarray, " observations"]
    """Of each observation's image."""
    keypoint_indices: Int64[np.ndarray, " observations"]
    """Which keypoint of that image it is."""


@dataclass(frozen=True)
class PointRecords:
    """The points of a model, without who observes them."""

    point_ids: UInt64[np.ndarray, " points"]
    """Of each point."""
    xyz: Float64[np.ndarray, "points 3"]
    """World coordinates."""
    rgb: UInt8[np.ndarray, "points 3"]
    """Colours."""


@dataclass(frozen=True)
class FrameRecord:
    """Images taken at once by the cameras of a rig."""

    rig_id: int
    images: tuple[tuple[int, int], ...]
    """(camera_id, image_id) of each."""


@dataclass(frozen=True)
class ModelRecords:
    """Cameras and images by their numbers."""

    cameras: Mapping[int, Camera]
    """By camera_id."""
    images: Mapping[int, ImageRecord]
    """By image_id."""


def camera_record(model: str, width: object, height: object, params: Sequence[object]) -> Camera:
    """Raises ValueError for what no camera can have."""
    camera = Camera(model, *image_size(width, height), tuple(finite_number(value) for value in params))
    if camera.has_focals and not all(0 < focal < FARTHEST for focal in camera.focals):
        raise ValueError(f"{model} with a focal of {min(camera.focals):g} pixels")
    return camera


def unique(what: str, entries: Iterable[tuple[_Key, _Value]]) -> dict[_Key, _Value]:
    """By key. Raises ValueError for the first that comes twice."""
    found: dict[_Key, _Value] = {}
    for key, value in entries:
        if key in found:
            raise ValueError(f"{what} {key!r} stands there twice")
        found[key] = value
    return found


def check_cameras(records: ModelRecords) -> None:
    """Raises ValueError for an image whose camera is not there, and for two of one name."""
    for image in records.images.values():
        if image.camera_id not in records.cameras:
            raise ValueError(f"the camera {image.camera_id} of {image.name!r} is not there")
    unique("the image", ((image.name, None) for image in records.images.values()))


def check_tracks(records: ModelRecords, tracks: TrackRecords) -> None:
    """Raises ValueError for keypoints of points that are not there, and the other way round."""
    ids = np.unique(tracks.point_ids)
    if len(ids) < len(tracks.point_ids):
        raise ValueError("a point stands there twice")
    for image in records.images.values():
        shown = image.point_ids[image.point_ids != NO_POINT]
        if (lost := np.setdiff1d(shown, ids)).size:
            raise ValueError(f"{image.name!r} shows the point {lost[0]}, which is not there")
    seeing, of_observation = np.unique(tracks.image_ids, return_inverse=True)
    if unknown := [number for number in seeing.tolist() if number not in records.images]:
        raise ValueError(f"a point is seen by the image {unknown[0]}, which is not there")
    keypoints = np.array(
        [len(records.images[number].point_ids) for number in seeing.tolist()], dtype=np.int64
    )
    if (tracks.keypoint_indices >= keypoints[of_observation]).any() or (tracks.keypoint_indices < 0).any():
        raise ValueError("a point is seen by a keypoint that its image does not have")


def check_rigs(
    records: ModelRecords, rigs: Mapping[int, Sequence[int]], frames: Mapping[int, FrameRecord]
) -> None:
    """`rigs` are the cameras of each. Raises ValueError for what points to nothing."""
    for number, cameras in rigs.items():
        if lost := [camera for camera in cameras if camera not in records.cameras]:
            raise ValueError(f"the camera {lost[0]} of the rig {number} is not there")
    for number, frame in frames.items():
        if frame.rig_id not in rigs:
            raise ValueError(f"the rig {frame.rig_id} of the frame {number} is not there")
        for camera, image in frame.images:
            record = records.images.get(image)
            if camera not in rigs[frame.rig_id] or (record is not None and record.camera_id != camera):
                raise ValueError(f"the image {image} of the frame {number} is of another camera")
    framed = {image for frame in frames.values() for _, image in frame.images}
    if lost := [number for number in records.images if number not in framed]:
        raise ValueError(f"the image {records.images[lost[0]].name!r} is in no frame")
