"""SIFT of photos, at more pixels than a view has."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float, UInt8
from PIL import Image

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.geometry.pixels import select_usable
from dust3r_sfm.images import load_gray
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.types import Affine, View


@dataclass(frozen=True)
class FeatureConfig:
    """How photos are searched for SIFT features (Lowe 2004)."""

    long_edge_px: int = 1600
    """Photos are read at up to this size; what features of larger ones show is much finer than a view's
    pixel."""
    fine_below_px: int = 1400
    """Photos whose long edge is shorter are searched at double size too, which finds more but takes four
    times as long."""
    max_features: int = 4000
    """The largest ones of a photo that are kept. The time for a pair grows with its square."""
    peak_threshold: float = 0.02 / 3
    """Difference of Gaussians, of grey values in [0, 1], below which an extremum is no feature: COLMAP's own
    choice."""


@dataclass(frozen=True)
class Features:
    """`pixels` of the view, and descriptors as round(512 v). `resolution`: pixels of the picture that
    was searched for each pixel of the view, the unit of the features' precision."""

    pixels: Float[np.ndarray, "n 2"]
    descriptors: UInt8[np.ndarray, "n 128"]
    resolution: float


def features_from_encoding(encoding: Encoding) -> Features:
    return Features(encoding["pixels"], encoding["descriptors"], float(encoding["resolution"]))


def root_sift(descriptors: UInt8[np.ndarray, "n 128"]) -> Float[np.ndarray, "n 128"]:
    """Descriptors whose Euclidean distance is the Hellinger distance of the histograms (Arandjelovic and
    Zisserman 2012, "Three things everyone should know to improve object retrieval")."""
    histograms = descriptors.astype(np.float32)
    return np.sqrt(histograms / np.maximum(histograms.sum(axis=1, keepdims=True), 1.0))


def encodings_of(views: Sequence[View], config: FeatureConfig) -> list[Encoding]:
    """SIFT of a batch of views, on all cores."""
    read = [load_gray(view, config.long_edge_px) for view in views]
    fine = [max(gray.shape) < config.fine_below_px for gray, _ in read]
    found: dict[int, tuple[Float[np.ndarray, "n 2"], UInt8[np.ndarray, "n 128"]]] = {}
    for octave, group in ((-1, fine), (0, [not f for f in fine])):
        chosen = [index for index, member in enumerate(group) if member]
        found |= dict(zip(chosen, sift([read[k][0] for k in chosen], octave, config), strict=True))
    return [_encoding(view, read[k][1], *found[k]) for k, view in enumerate(views)]


def _encoding(
    view: View,
    view_from_gray: Affine,
    keypoints: Float[np.ndarray, "n 2"],
    descriptors: UInt8[np.ndarray, "n 128"],
) -> Encoding:
    """In view pixels, without features where the view does not reach or its mask forbids."""
    pixels = apply_affine(view_from_gray, keypoints.astype(np.float64))
    kept = select_usable(view, pixels)
    resolution = np.array(resolution_of(view_from_gray))
    return {"pixels": pixels[kept], "descriptors": descriptors[kept], "resolution": resolution}


def resolution_of(view_from_gray: Affine) -> float:
    """Pixels of the searched picture for each pixel of the view."""
    return float(1.0 / np.sqrt(abs(np.linalg.det(view_from_gray[:2, :2]))))


def sift(
    grays: Sequence[UInt8[np.ndarray, "_h _w"]], octave: int, config: FeatureConfig
) -> list[tuple[Float[np.ndarray, "n 2"], UInt8[np.ndarray, "n 128"]]]:
    """Keypoints and descriptors of each picture. pycolmap holds the interpreter while it searches an
    array; only its own extraction from files runs on several cores."""
    if not grays:
        return []
    with tempfile.TemporaryDirectory(prefix="dust3r_sfm_") as temporary:
        folder = Path(temporary, "images")
        folder.mkdir()
        names = [f"{index:06d}.pgm" for index in range(len(grays))]
        for name, gray in zip(names, grays, strict=True):
            Image.fromarray(gray).save(folder / name)
        options = pycolmap.FeatureExtractionOptions()
        options.use_gpu = False
        options.sift.first_octave = octave
        options.sift.max_num_features = config.max_features
        options.sift.peak_threshold = config.peak_threshold
        database_path = Path(temporary, "features.db")
        with _quietly():
            pycolmap.extract_features(database_path, folder, extraction_options=options)
        return _read_features(database_path, names)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the lines pycolmap logs for every image."""
    before = pycolmap.logging.minloglevel
    pycolmap.logging.minloglevel = max(before, int(pycolmap.logging.ERROR))
    try:
        yield
    finally:
        pycolmap.logging.minloglevel = before


def _read_features(
    path: Path, names: Sequence[str]
) -> list[tuple[Float[np.ndarray, "n 2"], UInt8[np.ndarray, "n 128"]]]:
    database = pycolmap.Database.open(str(path))
    try:
        ids = {image.name: image.image_id for image in database.read_all_images()}
        found = []
        for name in names:
            keypoints = database.read_keypoints(ids[name])[:, :2]
            stored = database.read_descriptors(ids[name])
            # A copy: `data` looks into memory that goes with `stored`.
            found.append((np.array(keypoints, dtype=np.float64), np.array(stored.data, dtype=np.uint8)))
        return found
    finally:
        database.close()
