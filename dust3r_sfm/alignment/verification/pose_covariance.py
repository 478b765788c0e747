"""How well the tracks of a scene fix its cameras: the covariance of poses and focals.

The inverse of the reduced normal equations of bundle adjustment, all points being eliminated (B. Triggs et
al., "Bundle adjustment - a modern synthesis", 2000, sections 6 and 9), with inner constraints for the seven
directions in which a scene moves as a whole. First-order: it tells what the tracks leave open, not whether
they are mistaken."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from jaxtyping import Float, Int

from dust3r_sfm.geometry import project
from dust3r_sfm.geometry.robust import deviation
from dust3r_sfm.types import Camera, Tracks

POSE, FOCAL = 6, 6
"""Columns of an observation's derivative: the pose's twist (turn, then shift), and the log focal behind."""


@dataclass(frozen=True)
class UncertaintyConfig:
    """What the covariance is taken of."""

    least_noise_px: float = 0.1
    """Standard deviation of an observation (view pixels) that is always assumed: no feature is exact."""
    inflation: float = 3.0
    """Standard deviations are this many times those of independent errors: neighbouring features err
    together, and the camera model is never quite right."""
    most_unknowns: int = 3000
    """Larger systems are not inverted (a dense matrix of 72 MB): scenes of some 500 views are told by their
    neighbours well enough."""


@dataclass(frozen=True)
class CameraUncertainty:
    """Standard deviations, one a view: of its rotation (degrees, root mean square over axes times sqrt 3)
    and of its centre (world units) within the scene's own free gauge; and of the log focal, 0 where it is
    held. `covariance`: of turn (radians, camera axes) and shift (camera axes, world units) of each view."""

    rotation_std_deg: Float[np.ndarray, " n"]
    centre_std: Float[np.ndarray, " n"]
    log_focal_std: Float[np.ndarray, " n"]
    covariance: Float[np.ndarray, "n 6 6"]


def camera_uncertainty(
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    tracks: Tracks,
    focal_group: Sequence[int],
    focal_prior_std: Float[np.ndarray, " groups"],
    config: UncertaintyConfig,
) -> CameraUncertainty | None:
    """None where there are too many unknowns, or tracks that fix nothing. `focal_group`: which views have
    one focal, numbered from 0; `focal_prior_std` of the log of each: 0 where it is held, infinite where
    nothing is known of it but what the tracks say."""
    groups = np.asarray(focal_group)
    size = POSE * len(cameras) + len(focal_prior_std)
    if size > config.most_unknowns or not len(tracks.xyz):
        return None
    reduced = _reduced_normal(cameras, cam_from_world, tracks, groups, len(focal_prior_std), config)
    gauge = _gauge(cam_from_world, size)
    held = np.flatnonzero(focal_prior_std == 0.0) + POSE * len(cameras)
    focals = np.arange(POSE * len(cameras), size)
    with np.errstate(divide="ignore"):
        reduced[focals, focals] += np.where(focal_prior_std > 0, 1.0 / focal_prior_std**2, 0.0)
    free = np.setdiff1d(np.arange(size), held)
    strength = float(np.trace(reduced)) / size
    anchored = (reduced + strength * gauge @ gauge.T)[np.ix_(free, free)]
    values, vectors = np.linalg.eigh(anchored)
    if values[0] <= 1e-15 * values[-1]:
        values = np.maximum(values, 1e-15 * values[-1])
    inverse = np.zeros((size, size))
    inverse[np.ix_(free, free)] = (vectors / values) @ vectors.T
    inverse -= gauge @ gauge.T / strength
    return _of_cameras(inverse, cam_from_world, groups)


def _of_cameras(
    covariance: Float[np.ndarray, "s s"],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    groups: Int[np.ndarray, " n"],
) -> CameraUncertainty:
    count = len(cam_from_world)
    blocks = np.stack(
        [covariance[POSE * k : POSE * k + POSE, POSE * k : POSE * k + POSE] for k in range(count)]
    )
    turn = np.sqrt(np.maximum(np.trace(blocks[:, :3, :3], axis1=1, axis2=2), 0.0))
    # A twist (w, v) on the left of the pose moves the centre c = -R^T t by -R^T v.
    shift = np.sqrt(np.maximum(np.trace(blocks[:, 3:, 3:], axis1=1, axis2=2), 0.0))
    focal = np.sqrt(np.maximum(np.diagonal(covariance)[POSE * count :], 0.0))[groups]
    return CameraUncertainty(np.degrees(turn), shift, focal, blocks)


def _reduced_normal(
    cameras: Sequence[Camera],
    cam_from_world: Float[np.ndarray, "n 4 4"],
    tracks: Tracks,
    groups: Int[np.ndarray, " n"],
    num_groups: int,
    config: UncertaintyConfig,
) -> Float[np.ndarray, "s s"]:
    """In units of the observations' own noise, inflated."""
    by_camera, by_point, errors_px = _derivatives(cameras, cam_from_world, tracks)
    noise_px = max(_noise_px(errors_px, tracks, len(cameras)), config.least_noise_px) * config.inflation
    by_camera, by_point = by_camera / noise_px, by_point / noise_px
    count, points = len(tracks.point_index), len(tracks.xyz)
    size = POSE * len(cameras) + num_groups
    columns = np.concatenate(
        [
            POSE * tracks.view_index[:, None] + np.arange(POSE),
            (POSE * len(cameras) + groups[tracks.view_index])[:, None],
        ],
        axis=1,
    )
    rows = np.arange(2 * count).reshape(count, 2)
    of_cameras = _sparse(rows, columns, by_camera, (2 * count, size))
    of_points = _sparse(
        rows, 3 * tracks.point_index[:, None] + np.arange(3), by_point, (2 * count, 3 * points)
    )
    normal = np.zeros((points, 3, 3))
    np.add.at(normal, tracks.point_index, np.swapaxes(by_point, 1, 2) @ by_point)
    normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    inverse_root = np.linalg.inv(np.linalg.cholesky(normal))
    three = 3 * np.arange(points)[:, None] + np.arange(3)
    whitened = _sparse(three, three, inverse_root, (3 * points, 3 * points)) @ (of_points.T @ of_cameras)
    return np.asarray((of_cameras.T @ of_cameras - whitened.T @ whitened).todense())


def _noise_px(errors_px: Float[np.ndarray, "o 2"], tracks: Tracks, num_views: int) -> float:
    """Of one coordinate of an observation. Points and poses were fitted to the errors and took up a part of
    them: of a point that two views see, three of four."""
    equations = errors_px.size
    left = equations - 3 * len(tracks.xyz) - POSE * num_views
    fitted = np.sqrt(equations / max(left, 1))
    return deviation(errors_px) * float(fitted)


def _sparse(
    rows: Int[np.ndarray, "k r"],
    columns: Int[np.ndarray, "k c"],
    blocks: Float[np.ndarray, "k r c"],
    shape: tuple[int, int],
) -> sparse.csr_matrix:
    row = np.repeat(rows[:, :, None], columns.shape[1], axis=2)
    column = np.repeat(columns[:, None, :], rows.shape[1], axis=1)
    return sparse.csr_matrix((blocks.ravel(), (row.ravel(), column.ravel())), shape=shape)


def _derivatives(
    cameras: Sequence[Camera], cam_from_world: Float[np.ndarray, "n 4 4"], tracks: Tracks
) -> tuple[Float[np.ndarray, "o 2 7"], Float[np.ndarray, "o 2 3"], Float[np.ndarray, "o 2"]]:
    """Of each observation's pixel by its camera's twist (on the left of cam_from_world) and log focal, and by
    its point; and its error. A lens's own slope is left out: it changes pixels by a few per cent."""
    poses = cam_from_world[tracks.view_index]
    local = (poses[:, :3, :3] @ tracks.xyz[tracks.point_index][..., None])[..., 0] + poses[:, :3, 3]
    focal = np.array([camera.fx for camera in cameras])[tracks.view_index]
    x, y, z = local.T
    zero = np.zeros_like(z)
    by_local = np.stack(
        [
            np.stack([focal / z, zero, -focal * x / z**2], 1),
            np.stack([zero, focal / z, -focal * y / z**2], 1),
        ],
        1,
    )
    cross = np.stack([np.stack([zero, -z, y], 1), np.stack([z, zero, -x], 1), np.stack([-y, x, zero], 1)], 1)
    by_focal = np.stack([focal * x / z, focal * y / z], 1)[..., None]
    by_camera = np.concatenate([-by_local @ cross, by_local, by_focal], axis=2)
    errors = np.zeros((len(z), 2))
    for view, camera in enumerate(cameras):
        rows = tracks.view_index == view
        errors[rows] = project(local[rows], camera) - tracks.pixels[rows]
    return by_camera, by_local @ poses[:, :3, :3], errors


def _gauge(cam_from_world: Float[np.ndarray, "n 4 4"], size: int) -> Float[np.ndarray, "s 7"]:
    """Orthonormal directions in which turning, shifting and scaling the whole world moves the poses."""
    count = len(cam_from_world)
    out = np.zeros((size, 7))
    rotation, translation = cam_from_world[:, :3, :3], cam_from_world[:, :3, 3]
    for k in range(count):
        x, y, z = translation[k]
        cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
        rows = slice(POSE * k, POSE * k + POSE)
        out[rows, :3] = np.concatenate([rotation[k], cross @ rotation[k]])
        out[rows, 3:6] = np.concatenate([np.zeros((3, 3)), rotation[k]])
        out[rows, 6] = np.concatenate([np.zeros(3), translation[k]])
    return np.linalg.qr(out)[0]
