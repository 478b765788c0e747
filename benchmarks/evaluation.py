"""How far the poses of a COLMAP model are from true ones, in the field's usual figures.

Photos are matched by name, then by name without suffix. One that the model lacks counts as failed (180
degrees off) in every pair it is in; so do all pairs of a model that does not exist.

rra_5, rta_5    share of photo pairs whose relative rotation, or the direction from one camera to the
                other, is off by less than 5 degrees
maa_30          mean over the thresholds 1, 2, ... 30 degrees of the share of pairs with both below
ate             RMS distance of camera centres after the best similarity, over the RMS distance of the
                true centres from their mean; of registered photos, None for fewer than three
focal_error     median over registered photos of |estimated / true - 1|, focals over the long side
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pycolmap
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.geometry.procrustes import umeyama
from dust3r_sfm.geometry.transforms import rigid, transform_points

TWO_FOCALS = ("PINHOLE", "OPENCV", "OPENCV_FISHEYE", "FULL_OPENCV")


@dataclass(frozen=True)
class PosedPhoto:
    """`cam_from_world`, and the camera's parameters as COLMAP lists them (pixels of the file)."""

    cam_from_world: Float[np.ndarray, "4 4"]
    size: tuple[int, int]
    focal: tuple[float, float]
    principal: tuple[float, float]

    @property
    def centre(self) -> Float[np.ndarray, "3"]:
        """In the world."""
        return -self.cam_from_world[:3, :3].T @ self.cam_from_world[:3, 3]

    @property
    def relative_focal(self) -> float:
        return sum(self.focal) / 2 / max(self.size)


@dataclass(frozen=True)
class PoseScores:
    """See the module's docstring. The medians are over all pairs, failed ones included."""

    photos: int
    registered: int
    rra_5: float
    rta_5: float
    maa_30: float
    median_rotation_error_deg: float
    median_direction_error_deg: float
    ate: float | None
    focal_error: float | None


def read_model(folder: Path) -> dict[str, PosedPhoto]:
    """Registered photos by name; empty if the folder holds no model. Text is read without pycolmap, so
    that a ground truth needs no points3D.txt."""
    if (folder / "images.bin").exists():
        model = pycolmap.Reconstruction(folder)
        return {
            image.name: _posed(
                image.cam_from_world().matrix(),
                image.camera.model.name,
                (image.camera.width, image.camera.height),
                list(image.camera.params),
            )
            for image in model.images.values()
            if image.has_pose
        }
    return _read_text(folder) if (folder / "images.txt").exists() else {}


def _posed(matrix: np.ndarray, model: str, size: tuple[int, int], params: list[float]) -> PosedPhoto:
    fx, *rest = params
    fy, cx, cy = rest[:3] if model in TWO_FOCALS else (fx, *rest[:2])
    return PosedPhoto(rigid(matrix[:, :3], matrix[:, 3]), size, (fx, fy), (cx, cy))


def _read_text(folder: Path) -> dict[str, PosedPhoto]:
    cameras = {}
    for line in _lines(folder / "cameras.txt"):
        if line.strip():
            number, model, width, height, *params = line.split()
            cameras[number] = (model, (int(width), int(height)), [float(value) for value in params])
    photos = {}
    # every photo has a second line, of 2D points
    for line in _lines(folder / "images.txt")[::2]:
        if line.strip():
            _, *numbers, camera, name = line.split(maxsplit=9)
            w, x, y, z, *translation = (float(value) for value in numbers)
            rotation = Rotation.from_quat([x, y, z, w]).as_matrix()
            photos[name] = _posed(np.column_stack([rotation, translation]), *cameras[camera])
    return photos


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def matched(estimated: Mapping[str, PosedPhoto], truth: Mapping[str, PosedPhoto]) -> dict[str, PosedPhoto]:
    """The estimated photos under their true names."""
    by_stem = {_stem(name): photo for name, photo in estimated.items()}
    found = {name: estimated.get(name, by_stem.get(_stem(name))) for name in truth}
    return {name: photo for name, photo in found.items() if photo is not None}


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def score_poses(estimated: Mapping[str, PosedPhoto], truth: Mapping[str, PosedPhoto]) -> PoseScores:
    found = matched(estimated, truth)
    rotation_deg, direction_deg = pair_errors_deg(found, truth)
    worse = np.maximum(rotation_deg, direction_deg)
    focals = [abs(found[name].relative_focal / truth[name].relative_focal - 1) for name in found]
    return PoseScores(
        photos=len(truth),
        registered=len(found),
        rra_5=float((rotation_deg < 5).mean()),
        rta_5=float((direction_deg < 5).mean()),
        maa_30=float(np.mean([(worse < limit).mean() for limit in range(1, 31)])),
        median_rotation_error_deg=float(np.median(rotation_deg)),
        median_direction_error_deg=float(np.median(direction_deg)),
        ate=relative_centre_error(found, truth),
        focal_error=float(np.median(focals)) if focals else None,
    )


def pair_errors_deg(
    found: Mapping[str, PosedPhoto], truth: Mapping[str, PosedPhoto]
) -> tuple[Float[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
    """Rotation and direction errors of all pairs of true photos; 180 where one was not found. Two true
    cameras in one place have no direction: the error is 0."""
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


def _angles_deg(a: Float[np.ndarray, "n 3"], b: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    across, along = np.linalg.norm(np.cross(a, b), axis=1), (a * b).sum(axis=1)
    return np.degrees(np.arctan2(across, along))


def true_from_estimated(
    found: Mapping[str, PosedPhoto], truth: Mapping[str, PosedPhoto]
) -> Float[np.ndarray, "4 4"] | None:
    """The similarity that brings the camera centres closest to the true ones; None for fewer than three."""
    if len(found) < 3:
        return None
    return umeyama(*_centres(found, truth), np.ones(len(found)))


def relative_centre_error(found: Mapping[str, PosedPhoto], truth: Mapping[str, PosedPhoto]) -> float | None:
    """The `ate` of the module's docstring."""
    similarity = true_from_estimated(found, truth)
    if similarity is None:
        return None
    centres, true = _centres(found, truth)
    off = transform_points(similarity, centres) - true
    return float(np.sqrt((off**2).sum() / ((true - true.mean(axis=0)) ** 2).sum()))


def _centres(
    found: Mapping[str, PosedPhoto], truth: Mapping[str, PosedPhoto]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]:
    return np.stack([p.centre for p in found.values()]), np.stack([truth[name].centre for name in found])
