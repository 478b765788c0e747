"""Which views look alike, out of what a regressor keeps of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
from jaxtyping import Float

from dust3r_sfm.errors import InputError
from dust3r_sfm.inference.cache_keys import descriptors_key
from dust3r_sfm.io.arrays import SUFFIX, read_arrays, write_arrays
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import DescribesImages, Encoding, PointmapRegressor
from dust3r_sfm.retrieval import VladConfig, fit_vlad
from dust3r_sfm.types import View


def global_descriptors(
    regressor: PointmapRegressor,
    views: Sequence[View],
    encodings: Sequence[Encoding],
    config: VladConfig | None = None,
    work_folder: Path | None = None,
    progress: Progress | None = None,
) -> Float[np.ndarray, "n d"]:
    """A unit descriptor for each view, over a vocabulary learnt on all of them.

    Goes through the encodings twice. With `work_folder` they are kept there, and taken up by a later run
    of the same views, regressor and config. A stage "Describing" in images on `progress`.
    Raises InputError for a regressor that has no `local_descriptors`.
    """
    config, progress = config or VladConfig(), progress or Silent()
    local = LocalDescriptors(require_descriptors(regressor), encodings)
    path = None if work_folder is None else work_folder / f"retrieval{SUFFIX}"
    key = descriptors_key(regressor, views, config)
    if path is not None and (kept := read_arrays(path, key)) is not None:
        return kept["descriptors"]
    progress.start("Describing", len(views), "images")
    vlad = fit_vlad(local, config)
    rows = []
    for found in local:
        rows.append(vlad.describe(found))
        progress.advance()
    descriptors = np.stack(rows)
    if path is not None:
        write_arrays(path, key, {"descriptors": descriptors})
    return descriptors


def require_descriptors(regressor: PointmapRegressor) -> DescribesImages:
    """The regressor, known to describe images. Raises InputError for one that does not."""
    if not isinstance(regressor, DescribesImages):
        raise InputError(
            f"regressor {regressor.name}: cannot tell which photos look alike, so retrieval has nothing to "
            "go by; give it `local_descriptors`, or choose other pairs, say auto"
        )
    return regressor


class LocalDescriptors(Sequence[Float[np.ndarray, "n d"]]):
    """Of each image, out of its encoding when it is asked for."""

    def __init__(self, regressor: DescribesImages, encodings: Sequence[Encoding]) -> None:
        self._regressor, self._encodings = regressor, encodings

    def __len__(self) -> int:
        return len(self._encodings)

    @overload
    def __getitem__(self, index: int) -> Float[np.ndarray, "n d"]: ...
    @overload
    def __getitem__(self, index: slice) -> "LocalDescriptors": ...
    def __getitem__(self, index: int | slice) -> "Float[np.ndarray, 'n d'] | LocalDescriptors":
        if isinstance(index, slice):
            return LocalDescriptors(self._regressor, self._encodings[index])
        return self._regressor.local_descriptors(self._encodings[index])
