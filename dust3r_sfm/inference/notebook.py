"""What a regressor notes on the way, in the work folder: a run that is taken up again finds it there."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from dust3r_sfm.inference.cache_keys import encoding_key
from dust3r_sfm.io.arrays import SUFFIX, read_arrays, write_arrays
from dust3r_sfm.regressors.protocol import Encoding, PointmapRegressor
from dust3r_sfm.types import View


class FileNotebook:
    """One file a note, named by what it is about, the regressor's fingerprint and the content of its views.
    Raises OutputError where one cannot be written."""

    def __init__(self, folder: Path, regressor: PointmapRegressor, views: Sequence[View]) -> None:
        self._folder = folder
        self._keys = [encoding_key(regressor, view) for view in views]

    def read(self, what: str, views: tuple[int, ...]) -> Encoding | None:
        path, key = self._place(what, views)
        return read_arrays(path, key)

    def write(self, what: str, views: tuple[int, ...], arrays: Encoding) -> None:
        path, key = self._place(what, views)
        write_arrays(path, key, arrays)

    def _place(self, what: str, views: tuple[int, ...]) -> tuple[Path, str]:
        named = " ".join([what, *(self._keys[view] for view in views)])
        key = hashlib.sha256(named.encode()).hexdigest()
        return self._folder / f"{key[:32]}{SUFFIX}", key
