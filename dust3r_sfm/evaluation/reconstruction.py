"""How far the poses of a reconstruction are from true ones, in the field's usual figures.

A photo that the model lacks counts as failed (180 degrees off) in every pair it is in; so do all pairs of a
model that does not exist.

rra_t, rta_t    share of photo pairs whose relative rotation, or the direction from one camera to the
                other, is off by less than t degrees
maa_30          mean over the thresholds 1, 2, ... 30 degrees of the share of pairs with both below
ate             RMS distance of camera centres after the best similarity, over the RMS distance of the
                true centres from their mean; of registered photos, None for fewer than three
ate_absolute    the same in the truth's unit, not divided
focal_error     median over registered photos of |estimated / true - 1|, focals over the long side
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.evaluation.photos import match_names
from dust3r_sfm.geometry import transform_points
from dust3r_sfm.geometry.cameras import mean_focal
from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.io.colmap_model import PosedCamera


@dataclass(frozen=True)
class PoseScores:
    """See the module's docstring. The medians are over all pairs, failed ones included."""

    photos: int
    """How many the truth has."""
    registered: int
    """How many of them the model has."""
    rra_2: float
    """Share of pairs whose relative rotation is off by less than 2 degrees."""
    rra_5: float
    """The same of 5 degrees."""
    rra_15: float
    """The same of 15 degrees."""
    rta_2: float
    """Share of pairs whose direction from one camera to the other is off by less than 2 degrees."""
    rta_5: float
    """The same of 5 degrees."""
    rta_15: float
    """The same of 15 degrees."""
    maa_30: float
    """Mean over the thresholds 1, 2, ... 30 degrees of the share of pairs with both below."""
    median_rotation_error_deg: float
    """Of the relative rotations of pairs."""
    median_direction_error_deg: float
    """Of the directions from one camera to the other."""
    ate: float | None
    """RMS distance of centres after the best similarity, over the size of the true rig; None for fewer than
    three photos."""
    ate_absolute: float | None
    """The same in the truth's unit, not divided."""
    focal_error: float | None
    """Median of |estimated / true - 1|; None where no photo is registered."""


def score_poses(estimated: Mapping[str, PosedCamera], truth: Mapping[str, PosedCamera]) -> PoseScores:
    found = match_names(estimated, truth)
    rotation_deg, direction_deg = pair_errors_deg(found, truth)
    worse = np.maximum(rotation_deg, direction_deg)
    with_focals = [name for name in found if found[name].camera.has_focals and truth[name].camera.has_focals]
    focals = [abs(_relative_focal(found[name]) / _relative_focal(truth[name]) - 1) for name in with_focals]
    return PoseScores(
        photos=len(truth),
        registered=len(found),
        rra_2=_share_below(rotation_deg, 2),
        rra_5=_share_below(rotation_deg, 5),
        rra_15=_share_below(rotation_deg, 15),
        rta_2=_share_below(direction_deg, 2),
        rta_5=_share_below(direction_deg, 5),
        rta_15=_share_below(direction_deg, 15),
        maa_30=float(np.mean([_share_below(worse, limit) for limit in range(1, 31)])),
        median_rotation_error_deg=float(np.median(rotation_deg)),
        median_direction_error_deg=float(np.median(direction_deg)),
        ate=relative_centre_error(found, truth),
        ate_absolute=centre_error(found, truth),
        focal_error=float(np.median(focals)) if focals else None,
    )


def _relative_focal(photo: PosedCamera) -> float:
    return mean_focal(photo.camera) / max(photo.camera.width, photo.camera.height)


def pair_errors_deg(
    found: Mapping[str, PosedCamera], truth: Mapping[str, PosedCamera]
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Rotation and direction errors of all pairs of true photos; 180 where one was not found. Two true
    cameras in one place have no direction, and the error is 0; if only the estimated ones are, it is 90."""
    names = sorted(truth)
    first, second = np.triu_indices(len(names), k=1)
    missing = np.array([name not in found for name in names])
    true = np.stack([truth[name].cam_from_world for name in names])
    guess = np.stack([found[name].cam_from_world if name in found else np.eye(4) for name in names])
    true_pair, pair = (all_[second] @ np.linalg.inv(all_[first]) for all_ in (true, guess))
    turn = pair[:, :3, :3].swapaxes(1, 2) @ true_pair[:, :3, :3]
    rotation_deg = np.degrees(Rotation.from_matrix(turn).magnitude())
    direction_deg = _angles_deg(pair[:, :3, 3], true_pair[:, :3, 3])
    failed = missing[first] | missing[second]
    return np.where(failed, 180.0, rotation_deg), np.where(failed, 180.0, direction_deg)


def _angles_deg(found: Float[np.ndarray, "n 3"], true: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    across, along = np.linalg.norm(np.cross(found, true), axis=1), (found * true).sum(axis=1)
    nowhere = (found == 0).all(axis=1)
    angles = np.where(nowhere, 90.0, np.degrees(np.arctan2(across, along)))
    return np.where(_in_one_place(true), 0.0, angles)


def _in_one_place(shifts: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
    """Shifts that are nothing but rounding: inverting and multiplying poses of one place leaves some."""
    lengths = np.linalg.norm(shifts, axis=1)
    return lengths <= 1e-9 * lengths.max(initial=0.0)


def true_from_estimated(
    found: Mapping[str, PosedCamera], truth: Mapping[str, PosedCamera]
) -> Float[np.ndarray, "4 4"] | None:
    """The similarity that brings the camera centres closest to the true ones; None for fewer than three."""
    if len(found) < 3:
        return None
    return umeyama(*_centres(found, truth), np.ones(len(found)))


def centre_error(found: Mapping[str, PosedCamera], truth: Mapping[str, PosedCamera]) -> float | None:
    """The `ate_absolute` of the module's docstring."""
    similarity = true_from_estimated(found, truth)
    if similarity is None:
        return None
    centres, true = _centres(found, truth)
    return _rms_length(transform_points(similarity, centres) - true)


def relative_centre_error(found: Mapping[str, PosedCamera], truth: Mapping[str, PosedCamera]) -> float | None:
    """The `ate` of the module's docstring."""
    absolute = centre_error(found, truth)
    if absolute is None:
        return None
    _, true = _centres(found, truth)
    size = _rms_length(true - true.mean(axis=0))
    one_place = size <= 1e-9 * np.abs(true).max()
    return None if one_place else absolute / size


def _rms_length(rows: Float[np.ndarray, "n 3"]) -> float:
    return float(np.sqrt((rows**2).sum(axis=1).mean()))


def _share_below(values: Float[np.ndarray, " n"], limit: int) -> float:
    return float((values < limit).mean())


def _centres(
    found: Mapping[str, PosedCamera], truth: Mapping[str, PosedCamera]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    return np.stack([p.centre for p in found.values()]), np.stack([truth[name].centre for name in found])
