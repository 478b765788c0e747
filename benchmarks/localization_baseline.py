"""The rival of localization: SIFT matched to a model that pycolmap triangulated under the true poses, with
the truly nearest references handed to it instead of retrieval."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pycolmap
import torch
from jaxtyping import Float

from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.geometry.transforms import camera_centre
from dust3r_sfm.io import PosedCamera
from dust3r_sfm.regressors.stereo.matching import match_descriptors, unit_descriptors
from dust3r_sfm.types import Rigid

MAX_RATIO, SEED = 0.8, 0
MAX_ERRORS_PX = (4.0, 12.0)
"""Of PnP-RANSAC: what served best in trials, and pycolmap's default. Each makes a rival of its own."""
MAPPING_NEIGHBOURS = 10
METRES_A_RADIAN = 1.0
"""How far a turn counts when near is asked for."""


@dataclass(frozen=True)
class Baseline:
    """`seconds`, `cpu_seconds`: of each query, its features included."""

    cam_from_world: dict[str, Rigid]
    seconds: dict[str, float]
    cpu_seconds: dict[str, float]
    preparation_s: float


@dataclass(frozen=True)
class _Clock:
    """Since it was made."""

    wall_s: float = field(default_factory=time.perf_counter)
    cpu_s: float = field(default_factory=time.process_time)

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self.wall_s, time.process_time() - self.cpu_s


@dataclass(frozen=True)
class _Mapped:
    """Of one mapping photo the descriptors of the features that have a point, and the points."""

    descriptors: torch.Tensor
    points: Float[np.ndarray, "n 3"]


def baselines(
    images: Path,
    camera: pycolmap.Camera,
    mapping: Mapping[str, PosedCamera],
    queries: Mapping[str, PosedCamera],
    top_k: int,
    work: Path,
) -> dict[float, Baseline]:
    """By the error that is allowed. All photos share `camera`. The true poses of the queries only choose
    their references."""
    clock = _Clock()
    mapped = _triangulate(images, camera, mapping, work)
    preparation_s, _ = clock.read()
    out = {limit: Baseline({}, {}, {}, preparation_s) for limit in MAX_ERRORS_PX}
    for number, (name, query) in enumerate(queries.items()):
        clock = _Clock()
        database = work / f"query{number}.db"
        keypoints, descriptors = _features(images, [name], camera, database)[name]
        pixels, points = [], []
        for reference in nearest(query, mapping, top_k):
            rows = match_descriptors(descriptors, mapped[reference].descriptors, MAX_RATIO)
            pixels.append(keypoints[rows[:, 0]])
            points.append(mapped[reference].points[rows[:, 1]])
        matching = clock.read()
        for limit, found in out.items():
            clock = _Clock()
            pose = _pose(np.concatenate(pixels), np.concatenate(points), camera, limit)
            if pose is not None:
                found.cam_from_world[name] = pose
            solving = clock.read()
            found.seconds[name], found.cpu_seconds[name] = np.add(matching, solving).tolist()
        database.unlink()
    return out


def nearest(photo: PosedCamera, others: Mapping[str, PosedCamera], count: int) -> list[str]:
    """Names of the true nearest by place and direction."""

    def apart(name: str) -> float:
        other = others[name].cam_from_world
        turn = rotation_angle_deg(other[:3, :3] @ photo.cam_from_world[:3, :3].T)
        moved = np.linalg.norm(camera_centre(other) - camera_centre(photo.cam_from_world))
        return float(moved + METRES_A_RADIAN * np.radians(turn))

    return sorted(others, key=apart)[:count]


def _triangulate(
    images: Path, camera: pycolmap.Camera, mapping: Mapping[str, PosedCamera], work: Path
) -> dict[str, _Mapped]:
    database = work / "mapping.db"
    features = _features(images, list(mapping), camera, database)
    lines = []
    for name, photo in mapping.items():
        others = {other: posed for other, posed in mapping.items() if other != name}
        lines += [f"{name} {other}" for other in nearest(photo, others, MAPPING_NEIGHBOURS)]
    (work / "pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    matching, pairing = pycolmap.FeatureMatchingOptions(), pycolmap.ImportedPairingOptions()
    matching.use_gpu = False
    pairing.match_list_path = str(work / "pairs.txt")
    pycolmap.match_image_pairs(database, matching_options=matching, pairing_options=pairing)
    posed = _posed_model(database, mapping)
    (work / "model").mkdir()
    model = pycolmap.triangulate_points(posed, database, images, work / "model")
    out = {}
    for image in model.images.values():
        rows = [row for row, point in enumerate(image.points2D) if point.has_point3D()]
        points = np.array([model.points3D[image.points2D[row].point3D_id].xyz for row in rows])
        out[image.name] = _Mapped(features[image.name][1][rows], points.reshape(-1, 3))
    return out


def _features(
    images: Path, names: Sequence[str], camera: pycolmap.Camera, database: Path
) -> dict[str, tuple[Float[np.ndarray, "n 2"], torch.Tensor]]:
    """SIFT with pycolmap's defaults: keypoints and unit descriptors."""
    extraction, reader = pycolmap.FeatureExtractionOptions(), pycolmap.ImageReaderOptions()
    extraction.use_gpu = False
    reader.camera_model, reader.camera_params = camera.model.name, camera.params_to_string()
    pycolmap.extract_features(
        database, images, list(names), pycolmap.CameraMode.SINGLE, reader, extraction_options=extraction
    )
    opened = pycolmap.Database.open(str(database))
    out = {}
    for image in opened.read_all_images():
        stored = np.array(opened.read_descriptors(image.image_id).data, dtype=np.uint8)
        keypoints = np.array(opened.read_keypoints(image.image_id)[:, :2], dtype=np.float64)
        out[image.name] = keypoints, unit_descriptors(stored, torch.device("cpu"))
    opened.close()
    return out


def _posed_model(database: Path, mapping: Mapping[str, PosedCamera]) -> pycolmap.Reconstruction:
    """The true poses under the ids of the database."""
    opened = pycolmap.Database.open(str(database))
    model = pycolmap.Reconstruction()
    for camera in opened.read_all_cameras():
        model.add_camera_with_trivial_rig(camera)
    for image in opened.read_all_images():
        pose = pycolmap.Rigid3d(mapping[image.name].cam_from_world[:3])
        posed = pycolmap.Image(name=image.name, camera_id=image.camera_id, image_id=image.image_id)
        model.add_image_with_trivial_frame(posed, pose)
    opened.close()
    return model


def _pose(
    pixels: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    camera: pycolmap.Camera,
    max_error_px: float,
) -> Rigid | None:
    options = pycolmap.AbsolutePoseEstimationOptions()
    options.ransac.max_error, options.ransac.random_seed = max_error_px, SEED
    found = pycolmap.estimate_and_refine_absolute_pose(
        pixels, points, camera, options, pycolmap.AbsolutePoseRefinementOptions()
    )
    return None if found is None else np.vstack([found["cam_from_world"].matrix(), [0.0, 0.0, 0.0, 1.0]])
