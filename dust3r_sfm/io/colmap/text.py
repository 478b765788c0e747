"""COLMAP's text files, as programs and people write them: with a byte order mark, with blank lines, and
images.txt without the second line of an image that shows no points. (pycolmap 4 takes every second line for
an image's second, whatever stands there, and loses photos without a word.)"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dust3r_sfm.io.colmap.records import NO_POINT, ImageRecord, TrackRecords, camera_record
from dust3r_sfm.io.text_files import numbered_lines
from dust3r_sfm.io.values import finite_number, pose_from_words, quoted
from dust3r_sfm.types import Camera

_POINT_FIELDS = 8
_IMAGE_FIELDS = 10


def read_text_cameras(file: Path) -> list[tuple[int, Camera]]:
    """By number. Raises ValueError for lines that are no cameras, here and below."""
    found = []
    for number, line in numbered_lines(file):
        words = line.split()
        if len(words) < 5:
            raise ValueError(
                f"line {number}: {quoted(line)} is no camera: CAMERA_ID MODEL WIDTH HEIGHT PARAMS..."
            )
        found.append((whole(words[0]), camera_record(words[1], words[2], words[3], words[4:])))
    return found


def read_text_images(file: Path) -> list[tuple[int, ImageRecord]]:
    """By number."""
    lines = numbered_lines(file)
    found = []
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        keypoints: list[str] = []
        if at < len(lines) and _tells_keypoints(lines[at][1]):
            keypoints = lines[at][1].split()
            at += 1
        try:
            found.append(_image(line, keypoints))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return found


def _tells_keypoints(line: str) -> bool:
    """Whether a line is the second of an image: triples of x, y and a point's number. The first has a name
    behind nine numbers."""
    words = line.split()
    return len(words) % 3 == 0 and all(_is_number(word) for word in words)


def _is_number(word: str) -> bool:
    try:
        finite_number(word)
    except ValueError:
        return False
    return True


def _image(line: str, keypoints: Sequence[str]) -> tuple[int, ImageRecord]:
    fields = line.split(maxsplit=_IMAGE_FIELDS - 1)
    if len(fields) < _IMAGE_FIELDS:
        raise ValueError(f"{quoted(line)} is no image: IMAGE_ID QW QX QY QZ TX TY TZ CAMERA_ID NAME")
    number, *pose, camera, name = fields
    points = np.array([_point_number(word) for word in keypoints[2::3]], dtype=np.uint64)
    return whole(number), ImageRecord(name, whole(camera), pose_from_words(pose), points)


def _point_number(word: str) -> int:
    return NO_POINT if word == "-1" else whole(word)


def whole(word: str) -> int:
    """Raises ValueError for what is no number of a camera, an image or a point."""
    if not (word.isascii() and word.isdigit() and int(word) < NO_POINT):
        raise ValueError(f"{quoted(word)} is no whole number")
    return int(word)


def read_text_tracks(file: Path) -> TrackRecords:
    ids: list[int] = []
    observations: list[int] = []
    for number, line in numbered_lines(file):
        words = line.split()
        if len(words) < _POINT_FIELDS or len(words) % 2:
            raise ValueError(
                f"line {number}: {quoted(line)} is no point: POINT3D_ID X Y Z R G B ERROR TRACK[]..."
            )
        ids.append(whole(words[0]))
        observations.extend(map(whole, words[_POINT_FIELDS:]))
    seen = np.array(observations, dtype=np.int64).reshape(-1, 2)
    return TrackRecords(np.array(ids, dtype=np.uint64), seen[:, 0], seen[:, 1])
