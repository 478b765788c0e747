"""A reference set made ready once: encodings, descriptors, and 3D points or depth; kept in a folder."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.inference.encodings import EncodingCache
from dust3r_sfm.io.arrays import SUFFIX, array_from_text, read_arrays, text_from_array, write_arrays
from dust3r_sfm.io.results_version import RESULTS_VERSION
from dust3r_sfm.localization.config import PreparationConfig
from dust3r_sfm.localization.mapping.photo_views import file_state
from dust3r_sfm.localization.mapping.pose_consistency import Agreed
from dust3r_sfm.localization.mapping.reference import DepthMap, PosedPhoto, Reference
from dust3r_sfm.localization.mapping.triangulation import FeaturePoints
from dust3r_sfm.regressors.protocol import Encoding, PointmapRegressor
from dust3r_sfm.retrieval import Vlad

FILE = f"prepared{SUFFIX}"


@dataclass(frozen=True)
class ReferenceFeatures:
    """Where the features of each photo are (continuous, stored file), and what they show."""

    pixels: tuple[Float[np.ndarray, "_n 2"], ...]
    points: FeaturePoints


@dataclass(frozen=True)
class Store:
    """The folder of one preparation, and the name of all it depends on."""

    folder: Path
    key: str

    def depth_key(self, photo: PosedPhoto) -> str:
        return f"{self.key} {photo.name}"

    def depth_path(self, index: int) -> Path:
        return self.folder / "depth" / f"{index:05d}{SUFFIX}"


@dataclass(frozen=True)
class ReferenceMap:
    """A reference set made ready. What there is one of for each photo stands in the order of `photos`."""

    photos: tuple[PosedPhoto, ...]
    """Those of the set that could be read."""
    encodings: Sequence[Encoding]
    """What the regressor keeps of each photo."""
    vlad: Vlad
    """How photos are described."""
    descriptors: Float[np.ndarray, "n d"]
    """One unit row a photo."""
    features: ReferenceFeatures | None
    """Of regressors that have them, with their 3D points; else None."""
    depth: tuple[DepthMap, ...] | None
    """One map a photo, for regressors without features; else None."""
    store: Store
    """Where all this is kept."""


def preparation_key(reference: Reference, regressor: PointmapRegressor, config: PreparationConfig) -> str:
    """Photos are known by name, size and time of change: reading thousands of them takes too long."""
    settings = f"localization {RESULTS_VERSION} {regressor.fingerprint()} {asdict(config)}"
    digest = hashlib.sha256(settings.encode())
    for photo in reference.photos:
        size, changed_ns = photo.state or file_state(photo.path)
        digest.update(f"{photo.name} {size} {changed_ns} {photo.camera}".encode())
        digest.update(np.ascontiguousarray(photo.cam_from_world).tobytes())
    points = reference.points
    for array in (points.ids, points.xyz, points.point_index, points.photo_index, points.pixels):
        digest.update(np.ascontiguousarray(array).tobytes())
    for name, known in sorted(reference.depth.items()):
        digest.update(name.encode() + np.ascontiguousarray(known.depth).tobytes())
    return digest.hexdigest()


def save_reference_map(
    prepared: ReferenceMap, kept: Sequence[int], encoding_keys: Sequence[str], store: Store
) -> None:
    """`kept`: which photos of the reference set are in it. Encodings and depth maps are there already."""
    arrays: dict[str, np.ndarray] = {
        "kept": np.array(kept, dtype=np.int64),
        "encoding_keys": array_from_text(" ".join(encoding_keys)),
        "descriptors": prepared.descriptors,
        "vlad_mean": prepared.vlad.mean,
        "vlad_projection": prepared.vlad.projection,
        "vlad_words": prepared.vlad.words,
    }
    if prepared.features is not None:
        features = prepared.features
        arrays |= {
            "xyz": features.points.xyz,
            "ids": features.points.ids,
            "counts": np.array([len(places) for places in features.pixels], dtype=np.int64),
            "pixels": np.concatenate(features.pixels),
            "point_of_feature": np.concatenate(features.points.point_of_feature),
        }
        if features.points.agreed is not None:
            agreed = features.points.agreed
            arrays |= {"agreed_poses": agreed.cam_from_world, "agreed_xyz": agreed.xyz}
    write_arrays(store.folder / FILE, store.key, arrays)


def load_reference_map(reference: Reference, store: Store, encoding_bytes: int) -> ReferenceMap | None:
    """None if the folder holds none of this key, or lacks a part."""
    arrays = read_arrays(store.folder / FILE, store.key)
    if arrays is None:
        return None
    photos = tuple(reference.photos[index] for index in arrays["kept"].tolist())
    keys = text_from_array(arrays["encoding_keys"]).split()
    encodings = EncodingCache(keys, store.folder / "encodings", encoding_bytes)
    if not all(encodings.restore(index) for index in range(len(photos))):
        return None
    features = _features(arrays) if "xyz" in arrays else None
    depth = None if features is not None else stored_depth(photos, store)
    if features is None and depth is None:
        return None
    vlad = Vlad(arrays["vlad_mean"], arrays["vlad_projection"], arrays["vlad_words"])
    return ReferenceMap(photos, encodings, vlad, arrays["descriptors"], features, depth, store)


def _features(arrays: Mapping[str, np.ndarray]) -> ReferenceFeatures:
    ends = np.cumsum(arrays["counts"])[:-1]
    of_feature: list[Int[np.ndarray, " n"]] = np.split(arrays["point_of_feature"], ends)
    agreed = Agreed(arrays["agreed_poses"], arrays["agreed_xyz"]) if "agreed_poses" in arrays else None
    points = FeaturePoints(arrays["xyz"], arrays["ids"], tuple(of_feature), agreed)
    return ReferenceFeatures(tuple(np.split(arrays["pixels"], ends)), points)


def stored_depth(photos: Sequence[PosedPhoto], store: Store) -> tuple[DepthMap, ...] | None:
    """None unless all are there."""
    found = [read_depth(store, index, photo) for index, photo in enumerate(photos)]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(photos) else None


def read_depth(store: Store, index: int, photo: PosedPhoto) -> DepthMap | None:
    arrays = read_arrays(store.depth_path(index), store.depth_key(photo))
    return None if arrays is None else DepthMap(**arrays)


def write_depth(store: Store, index: int, photo: PosedPhoto, depth: DepthMap) -> None:
    write_arrays(store.depth_path(index), store.depth_key(photo), vars(depth))
