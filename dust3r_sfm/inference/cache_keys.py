"""Names for what cached results were made from."""

import hashlib
from collections.abc import Sequence

import numpy as np

from dust3r_sfm.evidence import EvidenceConfig
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.retrieval import VladConfig
from dust3r_sfm.types import Pair, View


def content_hash(view: View) -> str:
    """A hash of what a regressor can see of a view: neither its name nor where its file lies."""
    focals = view.exif_focal_px, view.known_focal_px
    described = (view.image.shape, view.original_size, focals, view.exif_camera)
    digest = hashlib.sha256(repr(described).encode())
    digest.update(view.image.tobytes())
    digest.update(view.pixel_from_original.astype(np.float64).tobytes())
    digest.update(b"no mask" if view.mask is None else np.packbits(view.mask).tobytes())
    if view.rectification is not None:
        digest.update(repr(view.rectification).encode())
    return digest.hexdigest()


def encoding_key(regressor: PointmapRegressor, view: View) -> str:
    """All that the encoding of a view depends on."""
    return hashlib.sha256((regressor.fingerprint() + content_hash(view)).encode()).hexdigest()


def evidence_key(
    regressor: PointmapRegressor, views: Sequence[View], pairs: Sequence[Pair], config: EvidenceConfig
) -> str:
    """All that what is kept of a pair depends on. The graph is in it only where the regressor says so: a
    pair is asked about by its name."""
    shared = regressor.shared_by_pairs(views, pairs)
    return _key(f"{regressor.fingerprint()} {config} {shared}", views)


def descriptors_key(regressor: PointmapRegressor, views: Sequence[View], config: VladConfig) -> str:
    """All that the global descriptors of a set depend on."""
    return _key(f"{regressor.fingerprint()} {config}", views)


def _key(settings: str, views: Sequence[View]) -> str:
    digest = hashlib.sha256(settings.encode())
    for view in views:
        digest.update(content_hash(view).encode())
    return digest.hexdigest()
