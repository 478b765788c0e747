"""What a user knows of the cameras beforehand, by photo name, and the same for the views.

Users give what they have: pixels and poses of the stored files (before any EXIF rotation), as COLMAP
models, calibrations and the exported model of another run have them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import invert_rigid, original_camera
from dust3r_sfm.geometry.cameras import radial_coefficient
from dust3r_sfm.geometry.projection import normalized_from_pixels
from dust3r_sfm.geometry.view_cameras import camera_of_view, view_camera, view_scale
from dust3r_sfm.io.values import FARTHEST, rigid_from_matrix
from dust3r_sfm.types import Camera, Correspondences, Rigid, View

SAME_PLACE = 1e-9
"""Of the largest coordinate: what lies closer together than that does so by rounding."""


@dataclass(frozen=True)
class Presets:
    """What a user knows, by photo name, all of the stored files."""

    focal_px: Mapping[str, float] = field(default_factory=dict)
    """Focal in pixels of the file."""
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    """Whole cameras, where more than the focal is known (their lens too)."""
    cam_from_world: Mapping[str, Rigid] = field(default_factory=dict)
    """Poses that are kept exactly, the rest being solved in their frame, and in their size where two or more
    are given."""


@dataclass(frozen=True)
class Known:
    """Presets as the views see them, one entry a view, None where nothing is known. `cameras` are in view
    pixels; `cam_from_world` are of the upright views."""

    cameras: tuple[Camera | None, ...]
    cam_from_world: tuple[Rigid | None, ...]

    def pose_rows(self, members: Sequence[int]) -> list[int]:
        """Which of the members, counted from 0, have a known pose."""
        return [row for row, member in enumerate(members) if self.cam_from_world[member] is not None]


def known_of_views(views: Sequence[View], presets: Presets) -> Known:
    """Raises InputError for a photo that is not there, and for values no camera can have."""
    _check_names(views, presets)
    _check_spread(presets)
    return Known(
        tuple(_known_camera(view, presets) for view in views),
        tuple(_known_pose(view, presets) for view in views),
    )


def views_with_known_focals(views: Sequence[View], presets: Presets) -> tuple[View, ...]:
    """The views as regressors should see them. Raises InputError where `align` would: hours before it."""
    cameras = known_of_views(views, presets).cameras
    return tuple(
        view if camera is None else replace(view, known_focal_px=float(np.sqrt(camera.fx * camera.fy)))
        for view, camera in zip(views, cameras, strict=True)
    )


def _check_names(views: Sequence[View], presets: Presets) -> None:
    names = {view.name for view in views}
    given = {"focal": presets.focal_px, "camera": presets.cameras, "pose": presets.cam_from_world}
    for what, values in given.items():
        lost = sorted(set(values) - names)
        if lost:
            raise InputError(
                f"{len(lost)} of {len(values)} given {what}s are for photos that are not there, such as"
                f" {lost[0]}: name photos as in the report, or leave these out"
            )


def _check_spread(presets: Presets) -> None:
    """Two poses or more give the world its size: from one place none can be told."""
    poses = np.array(list(presets.cam_from_world.values()), dtype=np.float64).reshape(-1, 4, 4)
    if not (np.abs(poses) <= FARTHEST).all():
        raise InputError(f"a pose is given with entries that are not finite, or beyond {FARTHEST:g}")
    if len(poses) < 2:
        return
    centres = invert_rigid(poses)[:, :3, 3]
    apart = np.linalg.norm(centres - centres[0], axis=1).max()
    if apart <= SAME_PLACE * max(1.0, np.abs(centres).max()):
        raise InputError(
            f"all {len(poses)} given poses are of one place, which tells no size of the world: give poses of "
            "cameras that stand apart, or of one alone"
        )


def _known_camera(view: View, presets: Presets) -> Camera | None:
    if view.name in presets.cameras:
        return camera_of_view(view, _radial_camera(view, presets.cameras[view.name]))
    focal = presets.focal_px.get(view.name)
    if focal is None:
        return None
    _check_focals(view, focal)
    return view_camera(view, focal * view_scale(view))


def _check_focals(view: View, *focals: float) -> None:
    if not all(0 < focal < FARTHEST for focal in focals):
        raise InputError(f"{view.name}: its focal is given as {focals[0]} pixels: give a positive number")


def _radial_camera(view: View, original: Camera) -> Camera:
    """The camera of the stored file in the form that alignment solves for. Raises InputError if it is of
    another size than the photo, or has another lens."""
    if (original.width, original.height) != view.original_size:
        raise InputError(
            f"{view.name}: its camera is given for {original.width} x {original.height} pixels, but the photo"
            f" has {view.original_size[0]} x {view.original_size[1]}: give the camera of the photo as it is"
        )
    _check_focals(view, *(original.focals if original.has_focals else ()))
    k1 = radial_coefficient(original)
    if k1 is None:
        raise InputError(
            f"{view.name}: its camera is given as {original.model} {original.params}, and alignment knows"
            " lenses with one radial term k1 only: undistort the photos first, or leave its camera out"
        )
    return Camera.radial(*view.original_size, *original.focals, *original.principal_point, k1)


def _known_pose(view: View, presets: Presets) -> Rigid | None:
    given = presets.cam_from_world.get(view.name)
    if given is None:
        return None
    try:
        cam_from_world = rigid_from_matrix(np.asarray(given, dtype=np.float64))
    except ValueError as error:
        raise InputError(f"{view.name}: its pose is given as {error}: give it as [R t; 0 1]") from error
    original_from_view = original_camera(view, view_camera(view, 1.0))[1]
    return invert_rigid(original_from_view) @ cam_from_world


def split_groups(groups: Sequence[int], known: Known, views: Sequence[View]) -> tuple[int, ...]:
    """Camera groups in which no two known focals differ; views without one stay with those of their group
    if all of these agree, and among themselves if not."""
    given = [
        None if c is None else round(_log_original_focal(c, v), 9)
        for c, v in zip(known.cameras, views, strict=True)
    ]
    values: dict[int, set[float]] = {}
    for group, value in zip(groups, given, strict=True):
        values.setdefault(group, set()).update(set() if value is None else {value})
    keys = [
        (group, (value if len(values[group]) > 1 else None))
        for group, value in zip(groups, given, strict=True)
    ]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return tuple(numbers[key] for key in keys)


def _log_original_focal(camera: Camera, view: View) -> float:
    """Of the geometric mean of both focals, in pixels of the stored file."""
    return float(np.log(camera.fx * camera.fy) / 2 - np.log(view_scale(view)))


def known_log_focals(groups: Sequence[int], known: Known, views: Sequence[View]) -> dict[int, float]:
    """log focal in pixels of the stored file of the groups where it is known."""
    triples = zip(groups, known.cameras, views, strict=True)
    return {group: _log_original_focal(camera, view) for group, camera, view in triples if camera is not None}


def undistort_pixels(
    pixels: Float[np.ndarray, "n 2"], view: View, known: Camera | None
) -> Float[np.ndarray, "n 2"]:
    """Where a pinhole with square pixels, the known camera's focal (geometric mean) and the principal point
    that `view_camera` has would see what the known camera sees at `pixels`: what alignment solves with."""
    if known is None:
        return pixels
    ideal = view_camera(view, float(np.sqrt(known.fx * known.fy)))
    return normalized_from_pixels(pixels, known) * ideal.fx + ideal.principal_point


def undistort_matches(
    matches: Correspondences, view_i: View, view_j: View, known_i: Camera | None, known_j: Camera | None
) -> Correspondences:
    return replace(
        matches,
        pixels_i=undistort_pixels(matches.pixels_i, view_i, known_i),
        pixels_j=undistort_pixels(matches.pixels_j, view_j, known_j),
    )
