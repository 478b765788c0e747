"""How each photo of a scene becomes an image file that trainers read: upright, undistorted, resized."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.config import ImageForm
from dust3r_sfm.geometry import pixel_grid, project, undistort_pixels, unproject
from dust3r_sfm.geometry.cameras import reframe_camera
from dust3r_sfm.geometry.view_cameras import exif_turn
from dust3r_sfm.images.framing import fit_size
from dust3r_sfm.types import Affine, Camera, Scene, View

_WIDEST = 20.0
"""Focals across a pinhole, at most: 169 degrees, for lenses without rays along a whole edge."""


@dataclass(frozen=True)
class Placement:
    """The cameras of one view on the way to its image file. All share the scene's pose of the view.

    `source`: of the whole stored photo turned upright, with its lens. `full`: the image before it is made
    smaller. `camera`: the image as it is written. `view_from_source` takes upright stored pixels to those
    of the view: a scale for each axis and a shift.
    """

    source: Camera
    full: Camera
    camera: Camera
    view_from_source: Affine
    turned: bool

    @property
    def warped(self) -> bool:
        """Whether pixels have to move for the image, beyond a resize of the whole."""
        return self.full != self.source


def placements(scene: Scene, form: ImageForm) -> tuple[Placement, ...]:
    """One for each view."""
    return tuple(
        _placement(view, camera, form) for view, camera in zip(scene.views, scene.cameras, strict=True)
    )


def _placement(view: View, camera: Camera, form: ImageForm) -> Placement:
    if view.rectification is not None and not form.undistorted:
        lens = view.rectification.file_camera.model
        raise InputError(
            f"{view.name}: images cannot keep its lens, {lens}: undistort them (no --keep-distortion), or "
            "write the model of the stored photos (--images leave)"
        )
    upright_from_stored, size = _upright(view)
    affine = view.pixel_from_original @ np.linalg.inv(upright_from_stored)
    scale, shift = np.diag(affine)[:2], affine[:2, 2]
    fx, fy = np.array(camera.focals) / scale
    cx, cy = (np.array(camera.principal_point) - shift) / scale
    source = _centre(reframe_camera(camera, size, (fx, fy), (cx, cy)), form.centred_px)
    if view.rectification is not None:
        full = _filled_pinhole(view, source, form.edge_samples)
    else:
        full = largest_pinhole(source, form.edge_samples) if form.undistorted else source
    return Placement(
        source,
        full,
        _fit_long_edge(full, form.long_edge),
        affine,
        not np.allclose(upright_from_stored, np.eye(3)),
    )


def _upright(view: View) -> tuple[Affine, tuple[int, int]]:
    """upright_from_stored, and the (width, height) of the upright photo."""
    turn = exif_turn(view)
    size = np.abs(turn) @ np.array(view.original_size, dtype=float)
    upright_from_stored = np.eye(3)
    upright_from_stored[:2, :2] = turn
    # A side that is turned around starts at its other end.
    upright_from_stored[:2, 2] = np.where(turn.sum(axis=1) < 0, size, 0.0)
    return upright_from_stored, (int(size[0]), int(size[1]))


def _centre(camera: Camera, near_px: float) -> Camera:
    """With the principal point exactly at the centre, if rounding alone keeps it away."""
    size, centre = (camera.width, camera.height), (camera.width / 2, camera.height / 2)
    near = np.abs(np.subtract(camera.principal_point, centre)).max() < near_px
    return reframe_camera(camera, size, camera.focals, centre) if near else camera


def largest_pinhole(source: Camera, edge_samples: int) -> Camera:
    """The pinhole of the same focals with its principal point at the centre and the largest size, about
    that centre, in which every pixel shows something of the photo."""
    right, bottom = float(source.width), float(source.height)
    across, down = np.linspace(0.0, right, edge_samples), np.linspace(0.0, bottom, edge_samples)
    ideal_x = [_ideal_edge(np.full_like(down, x), down, source)[:, 0] for x in (0.0, right)]
    ideal_y = [_ideal_edge(across, np.full_like(across, y), source)[:, 1] for y in (0.0, bottom)]
    # What the lens has no rays for bounds nothing.
    (left, right), (top, bottom) = (
        (np.where(np.isnan(low), -np.inf, low).max(), np.where(np.isnan(high), np.inf, high).min())
        for low, high in (ideal_x, ideal_y)
    )
    width = min(2.0 * min(source.cx - left, right - source.cx), _WIDEST * source.fx)
    height = min(2.0 * min(source.cy - top, bottom - source.cy), _WIDEST * source.fy)
    # Just above a whole number rounding may have left it just below.
    size = max(1, int(width + 1e-6)), max(1, int(height + 1e-6))
    return Camera.pinhole(*size, *source.focals, size[0] / 2, size[1] / 2)


def _filled_pinhole(view: View, source: Camera, edge_samples: int) -> Camera:
    """Of a straightened photo the largest middle in which every pixel shows something of the file, in whole
    pixels of it, so that nothing is resampled again."""
    assert view.rectification is not None
    filled = largest_pinhole(view.rectification.file_camera, edge_samples)
    sides = np.array([filled.width / filled.fx, filled.height / filled.fy]) @ np.abs(exif_turn(view)).T
    half = np.minimum(sides * source.focals, [source.width, source.height]) / 2
    width, height = (2 * max(1, int(side)) for side in half)
    return reframe_camera(source, (width, height), source.focals, (width / 2, height / 2))


def _ideal_edge(x: np.ndarray, y: np.ndarray, camera: Camera) -> Float[np.ndarray, "n 2"]:
    return undistort_pixels(np.stack([x, y], axis=-1), camera)


def _fit_long_edge(camera: Camera, long_edge: int | None) -> Camera:
    if long_edge is None:
        return camera
    return resized_camera(camera, fit_size((camera.width, camera.height), long_edge))


def resized_camera(camera: Camera, size: tuple[int, int]) -> Camera:
    """The camera of the same image brought to another (width, height)."""
    x, y = size[0] / camera.width, size[1] / camera.height
    return reframe_camera(camera, size, (camera.fx * x, camera.fy * y), (camera.cx * x, camera.cy * y))


def pixels_seen(
    source: Camera, target: Camera, start: int = 0, stop: int | None = None
) -> Float[np.ndarray, "r w 2"]:
    """For each pixel of the target's rows from `start` to before `stop`, the continuous pixel at which the
    source sees the same. Both are at one place and look the same way."""
    stop = target.height if stop is None else min(stop, target.height)
    grid = pixel_grid(stop - start, target.width) + np.array([0.0, float(start)])
    return project(unproject(grid, np.ones(grid.shape[:2]), target), source)


def image_pixels(
    view_pixels: Float[np.ndarray, "n 2"], view_camera: Camera, camera: Camera
) -> Float[np.ndarray, "n 2"]:
    """Where the image that `camera` takes shows what a view shows at these pixels."""
    return project(unproject(view_pixels, np.ones(len(view_pixels)), view_camera), camera)


def distinct_cameras(cameras: Sequence[Camera]) -> tuple[tuple[Camera, ...], tuple[int, ...]]:
    """The different cameras in order of first use, and which of them each is. One physical camera comes
    back through an upright and through a turned affine with other last bits: these count as one."""
    index: dict[Camera, int] = {}
    return_index = [index.setdefault(_round_camera(camera), len(index)) for camera in cameras]
    return tuple(index), tuple(return_index)


def _round_camera(camera: Camera) -> Camera:
    return replace(camera, params=tuple(round(value, 9) for value in camera.params))
