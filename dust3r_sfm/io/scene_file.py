"""A scene in one .npz file: plain arrays and a JSON header, never pickle."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from dust3r_sfm.errors import InputError
from dust3r_sfm.io.scene_checks import check_arrays, check_scene
from dust3r_sfm.types import (
    AlignmentReport,
    AlignmentStage,
    Camera,
    Pair,
    PairGeometry,
    PairReport,
    Rectification,
    Scene,
    Tracks,
    UpAxis,
    UpSource,
    Verdict,
    View,
    ViewProof,
)

SCENE_FILE = "scene.npz"
"""What the file is called in the folders of reconstructions."""

_FORMAT = "dust3r_sfm scene"
_VERSION = 3
_READABLE = (1, 2, _VERSION)
"""Cameras of version 1 are pinholes with one radial coefficient, by the fields of `Camera.radial`. Before
version 3 nobody asked which way is up."""
_TRACK_ARRAYS = ("xyz", "color", "point_index", "view_index", "pixels")


def save_scene(scene: Scene, path: Path) -> None:
    """Writes everything in the scene; `load_scene` gives it back bit for bit."""
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "views": [_view_fields(view) for view in scene.views],
        "cameras": [_camera_fields(camera) for camera in scene.cameras],
        "report": asdict(scene.report),
    }
    encoded = np.frombuffer(json.dumps(header, default=np.generic.item).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, header=encoded, **_arrays(scene))  # type: ignore[arg-type]


def load_scene(path: Path) -> Scene:
    """Reads what `save_scene` wrote, or the largest scene in a folder that `reconstruct` wrote. Any other
    file, also one that holds pickles, is an InputError."""
    if path.is_dir() and not (path / SCENE_FILE).exists():
        raise InputError(f"{path}: holds no {SCENE_FILE}; name a folder that `dust3r-sfm reconstruct` wrote")
    if path.is_dir():
        path = path / SCENE_FILE
    try:
        # Of anything else numpy says that it may be a pickle, and how to open it unsafely; a pipe would be
        # waited for.
        if path.exists():
            _check_archive(path)
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != _FORMAT:
            raise ValueError("no scene header")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such scene file. Run `dust3r-sfm reconstruct` first") from error
    except Exception as error:
        raise _unusable(path, error) from error
    if header.get("version") not in _READABLE:
        raise InputError(
            f"{path}: scene format version {header.get('version')}, but this program reads up to {_VERSION}. "
            "Reconstruct the photos again"
        )
    try:
        check_arrays(arrays, len(header["views"]))
        scene = _scene_from(header, arrays)
        check_scene(scene)
        return scene
    except Exception as error:
        raise _unusable(path, error) from error


def _check_archive(path: Path) -> None:
    """Raises ValueError for what is no archive, and for one that says it unpacks to more than it has: scenes
    are stored as they are, so that a file takes no more memory than its size."""
    if not path.is_file():
        raise ValueError("no regular file")
    if not zipfile.is_zipfile(path):
        raise ValueError("no NumPy archive")
    with zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("it is compressed")


def _unusable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path}: not a scene file, or a damaged one ({error}). Reconstruct the photos again to replace it"
    )


def _arrays(scene: Scene) -> dict[str, np.ndarray]:
    arrays = {f"tracks.{name}": getattr(scene.tracks, name) for name in _TRACK_ARRAYS}
    arrays["cam_from_world"] = scene.cam_from_world
    for index, view in enumerate(scene.views):
        arrays[f"view{index}.image"] = view.image
        arrays[f"view{index}.pixel_from_original"] = view.pixel_from_original
        arrays[f"view{index}.depth"] = scene.depth[index]
        arrays[f"view{index}.confidence"] = scene.confidence[index]
        if view.mask is not None:
            arrays[f"view{index}.mask"] = view.mask
    return arrays


def _view_fields(view: View) -> dict[str, Any]:
    return {
        "name": view.name,
        "original_size": [int(side) for side in view.original_size],
        "path": None if view.path is None else str(view.path),
        "exif_focal_px": None if view.exif_focal_px is None else float(view.exif_focal_px),
        "exif_camera": view.exif_camera,
        "known_focal_px": view.known_focal_px,
        "exif_position": view.exif_position,
        "content": view.content,
        **_rectification_fields(view.rectification),
    }


def _rectification_fields(rectification: Rectification | None) -> dict[str, Any]:
    """Nothing where there is none: most scenes have none."""
    if rectification is None:
        return {}
    cameras = {"file_camera": rectification.file_camera, "pinhole": rectification.pinhole}
    return {"rectification": {name: _camera_fields(camera) for name, camera in cameras.items()}}


def _rectification_from(fields: dict[str, Any] | None) -> Rectification | None:
    if fields is None:
        return None
    return Rectification(_camera_from(fields["file_camera"]), _camera_from(fields["pinhole"]))


def _camera_fields(camera: Camera) -> dict[str, Any]:
    return {**asdict(camera), "params": [float(value) for value in camera.params]}


def _camera_from(fields: dict[str, Any]) -> Camera:
    if "params" not in fields:
        return Camera.radial(**fields)
    return Camera(**{**fields, "params": tuple(fields["params"])})


def _scene_from(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Scene:
    indices = range(len(header["views"]))
    return Scene(
        views=tuple(_view_from(header["views"][i], arrays, f"view{i}.") for i in indices),
        cameras=tuple(_camera_from(fields) for fields in header["cameras"]),
        cam_from_world=arrays["cam_from_world"],
        depth=tuple(arrays[f"view{i}.depth"] for i in indices),
        confidence=tuple(arrays[f"view{i}.confidence"] for i in indices),
        tracks=Tracks(**{name: arrays[f"tracks.{name}"] for name in _TRACK_ARRAYS}),
        report=_report_from(header["report"]),
    )


def _view_from(fields: dict[str, Any], arrays: dict[str, np.ndarray], prefix: str) -> View:
    width, height = fields["original_size"]
    return View(
        name=fields["name"],
        image=arrays[prefix + "image"],
        pixel_from_original=arrays[prefix + "pixel_from_original"],
        original_size=(width, height),
        path=None if fields["path"] is None else Path(fields["path"]),
        exif_focal_px=fields["exif_focal_px"],
        exif_camera=fields["exif_camera"],
        known_focal_px=fields.get("known_focal_px"),
        exif_position=_position(fields.get("exif_position")),
        mask=arrays.get(prefix + "mask"),
        content=fields.get("content"),
        rectification=_rectification_from(fields.get("rectification")),
    )


def _position(values: list[Any] | None) -> tuple[float, float, float | None] | None:
    if values is None:
        return None
    latitude, longitude, height = values
    return latitude, longitude, height


def _report_from(fields: dict[str, Any]) -> AlignmentReport:
    pairs = [
        PairReport(**{**pair, "pair": Pair(**pair["pair"]), "geometry": PairGeometry(pair["geometry"])})
        for pair in fields["pairs"]
    ]
    repeated = tuple(Pair(**pair) for pair in fields.get("repeated_structure", ()))
    stages = tuple(AlignmentStage(**stage) for stage in fields.get("stages", ()))
    proofs = tuple(
        ViewProof(**{**proof, "covariance": tuple(proof["covariance"])}) for proof in fields.get("proofs", ())
    )
    # A scene of an older version was not checked.
    verdict = Verdict(fields.get("verdict", Verdict.UNCHECKED.value))
    parts = {"pairs": tuple(pairs), "repeated_structure": repeated, "stages": stages, "proofs": proofs}
    up = _up_from(fields.get("up", {}))
    return AlignmentReport(**{**fields, **parts, "verdict": verdict, "up": up})


def _up_from(fields: dict[str, Any]) -> UpAxis:
    """Of an older version: not asked."""
    if not fields or fields["direction"] is None:
        return UpAxis(**fields)
    x, y, z = fields["direction"]
    return UpAxis(**{**fields, "direction": (x, y, z), "source": UpSource(fields["source"])})
