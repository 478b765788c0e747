"""Where kept depth maps lie: in memory, or in a folder."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol, runtime_checkable

from dust3r_sfm.errors import OutputError
from dust3r_sfm.evidence.dense_map import DenseMap, arrays_from_map, map_from_arrays
from dust3r_sfm.io.arrays import PARTIALS, SUFFIX, TemporaryFolder, read_arrays, read_own_arrays, write_arrays
from dust3r_sfm.types import Pair

MapName = tuple[int, Pair]
"""A view, and the pair that says something of it."""


@runtime_checkable
class MapStore(Protocol):
    """Depth maps, each handed out by itself. Raises OutputError where the disk does not do its part."""

    def write(self, name: MapName, dense: DenseMap) -> None: ...

    def read(self, name: MapName) -> DenseMap: ...

    def remove(self, name: MapName) -> None: ...


class MapsInMemory:
    """About 4 bytes a known pixel and map."""

    def __init__(self) -> None:
        self._maps: dict[MapName, DenseMap] = {}

    def write(self, name: MapName, dense: DenseMap) -> None:
        self._maps[name] = dense

    def read(self, name: MapName) -> DenseMap:
        return self._maps[name]

    def remove(self, name: MapName) -> None:
        del self._maps[name]


class MapsInFolder:
    """One file a map. `key` says which run a file belongs to; a file says itself which map it is."""

    def __init__(self, folder: Path | TemporaryFolder, key: str) -> None:
        # A temporary folder lasts as long as somebody holds it.
        self._held = folder
        self._folder = folder.path if isinstance(folder, TemporaryFolder) else folder
        self._key = key

    def write(self, name: MapName, dense: DenseMap) -> None:
        write_arrays(self._path(name), self._key_of(name), arrays_from_map(dense))

    def read(self, name: MapName) -> DenseMap:
        return map_from_arrays(read_own_arrays(self._path(name), self._key_of(name)))

    def remove(self, name: MapName) -> None:
        _delete(self._path(name))

    def holds(self, name: MapName) -> bool:
        """Whether there is such a map of this run and it can be read."""
        return read_arrays(self._path(name), self._key_of(name)) is not None

    def keep_only(self, names: Collection[MapName]) -> None:
        """Deletes what another run, or a run that was killed, left."""
        wanted = {self._path(name) for name in names}
        for path in [*self._folder.glob(f"*_by_*{SUFFIX}"), *self._folder.glob(PARTIALS)]:
            if path not in wanted:
                _delete(path)

    def _key_of(self, name: MapName) -> str:
        view, pair = name
        return f"{self._key} view {view} by {pair.i} {pair.j}"

    def _path(self, name: MapName) -> Path:
        view, pair = name
        return self._folder / f"{view:05d}_by_{pair.i:05d}_{pair.j:05d}{SUFFIX}"


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be deleted ({error.strerror}); choose another output") from error
