"""The encodings of all images, of which only the last used are in memory."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from dust3r_sfm.inference.cache_keys import encoding_key
from dust3r_sfm.inference.config import InferenceConfig
from dust3r_sfm.io.arrays import SUFFIX, TemporaryFolder, read_arrays, read_own_arrays, write_arrays
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.regressors.protocol import EncodesOneByOne, Encoding, PointmapRegressor
from dust3r_sfm.types import View


class EncodingCache(Sequence[Encoding]):
    """`cache[k]` is the encoding of view k, from memory or from its file.

    In `folder` there is a file for each. Without one, encodings go to a temporary folder when more than
    `most_bytes` have come, and until then nowhere. An encoding larger than that is in memory alone.
    Raises OutputError where a file cannot be written or was damaged since.
    """

    def __init__(self, keys: Sequence[str], folder: Path | None, most_bytes: int) -> None:
        self._keys, self._folder, self._most_bytes = keys, folder, most_bytes
        self._temporary: TemporaryFolder | None = None
        self._in_memory: OrderedDict[int, Encoding] = OrderedDict()
        self._bytes = 0
        self._on_disk: set[int] = set()

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> Encoding: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Encoding]: ...
    def __getitem__(self, index: int | slice) -> Encoding | Sequence[Encoding]:
        if isinstance(index, slice):
            return [self[k] for k in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        if index in self._in_memory:
            self._in_memory.move_to_end(index)
            return self._in_memory[index]
        encoding = read_own_arrays(self._path(index), self._keys[index])
        self._remember(index, encoding)
        return encoding

    def put(self, index: int, encoding: Encoding) -> None:
        if self._folder is not None:
            self._write(index, encoding)
        self._remember(index, encoding)

    def restore(self, index: int) -> bool:
        """Whether a former run left this encoding, which is then taken up."""
        encoding = None if self._folder is None else read_arrays(self._path(index), self._keys[index])
        if encoding is None:
            return False
        self._on_disk.add(index)
        self._remember(index, encoding)
        return True

    def _remember(self, index: int, encoding: Encoding) -> None:
        self._in_memory[index] = encoding
        self._bytes += _size(encoding)
        while self._bytes > self._most_bytes and len(self._in_memory) > 1:
            oldest, dropped = self._in_memory.popitem(last=False)
            self._bytes -= _size(dropped)
            if oldest not in self._on_disk:
                self._write(oldest, dropped)

    def _write(self, index: int, encoding: Encoding) -> None:
        write_arrays(self._path(index), self._keys[index], encoding)
        self._on_disk.add(index)

    def _path(self, index: int) -> Path:
        folder = self._folder
        if folder is None:
            self._temporary = self._temporary or TemporaryFolder()
            folder = self._temporary.path
        return folder / f"{index:05d}{SUFFIX}"


def encode_all(
    regressor: PointmapRegressor,
    views: Sequence[View],
    work_folder: Path | None = None,
    most_bytes: int = InferenceConfig.encoding_bytes,
    progress: Progress | None = None,
) -> EncodingCache:
    """Every view encoded once, those not at all that a former run left in `work_folder`.
    At most `most_bytes` of them stay in memory. A stage "Encoding" in images on `progress`."""
    folder, progress = None if work_folder is None else work_folder / "encodings", progress or Silent()
    progress.start("Encoding", len(views), "images")
    cache = EncodingCache([encoding_key(regressor, view) for view in views], folder, most_bytes)
    missing = [index for index in range(len(views)) if not cache.restore(index)]
    progress.advance(len(views) - len(missing))
    for first in range(0, len(missing), regressor.batch_images):
        batch = missing[first : first + regressor.batch_images]
        for place, encoding in _encode(regressor, [views[index] for index in batch]):
            cache.put(batch[place], encoding)
            progress.advance()
    return cache


def _encode(regressor: PointmapRegressor, views: Sequence[View]) -> Iterable[tuple[int, Encoding]]:
    if isinstance(regressor, EncodesOneByOne):
        return regressor.encode_each(views)
    return enumerate(regressor.encode(views))


def _size(encoding: Encoding) -> int:
    return sum(array.nbytes for array in encoding.values())
