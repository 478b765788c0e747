"""COLMAP models written, and looked at afterwards: pycolmap does not notice where the disk is full, and
leaves a model that is cut short."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import pycolmap

_COUNT = 8
_CAMERA, _PARAMETER = 24, 8
_IMAGE, _KEYPOINT = 73, 24
_POINT, _OBSERVATION = 51, 8
"""Bytes of the records of https://colmap.github.io/format.html; names of images come besides."""


def write_binary_model(model: pycolmap.Reconstruction, folder: Path) -> None:
    """cameras.bin, images.bin, points3D.bin and what else pycolmap writes. Raises OSError where it is not all
    there."""
    model.write_binary(str(folder))
    cameras = sum(_CAMERA + _PARAMETER * len(camera.params) for camera in model.cameras.values())
    images = sum(
        _IMAGE + len(os.fsencode(image.name)) + _KEYPOINT * image.num_points2D()
        for image in model.images.values()
        if image.has_pose
    )
    points = _POINT * len(model.points3D) + _OBSERVATION * model.compute_num_observations()
    expected = {"cameras.bin": cameras, "images.bin": images, "points3D.bin": points}
    _check({name: (folder / name).stat().st_size - _COUNT for name in expected}, expected, folder)


def write_text_model(model: pycolmap.Reconstruction, folder: Path) -> None:
    """The same as text, without the blanks that pycolmap ends lists with: readers that split at every blank
    stumble over them. Raises OSError where it is not all there."""
    model.write_text(str(folder))
    counts: dict[str, int] = {}
    for path in folder.glob("*.txt"):
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
        ended = lines[-1] == ""
        counts[path.name] = sum(not line.startswith("#") for line in lines[:-1]) if ended else -1
        text = "\n".join(line.rstrip(" ") for line in lines)
        path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")
    expected = {
        "cameras.txt": len(model.cameras),
        "images.txt": 2 * model.num_reg_images(),
        "points3D.txt": len(model.points3D),
    }
    _check(counts, expected, folder)


def _check(written: Mapping[str, int], expected: Mapping[str, int], folder: Path) -> None:
    for name, value in expected.items():
        if written.get(name) != value:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / name))
