"""Pictures searched side by side.

pycolmap holds the interpreter while it searches a picture. Only its extraction from files into a database
runs on several cores; but where the disk fills up it ends the whole process, and a kill leaves the database.
Our own processes write nothing.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePath
from queue import SimpleQueue
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from dust3r_sfm.errors import Dust3rSfmError
from dust3r_sfm.feature_search.messages import read_message, write_message
from dust3r_sfm.feature_search.search import FoundFeatures, Search, SearchSettings
from dust3r_sfm.parallel import in_threads, num_workers

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from dust3r_sfm.feature_search.worker import serve; serve()"
)


class Searchers:
    """As many processes as there are cores and pictures; they start at once, so that what is done before
    `search` hides it, and end with the block. With one core or picture, or where none can be started, the
    caller's process does the work: the results are the same."""

    def __init__(self, num_pictures: int) -> None:
        count = min(num_workers(), num_pictures)
        self._processes = _start_processes(count) if count > 1 else []

    def __enter__(self) -> "Searchers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.communicate()

    def search(
        self, grays: Sequence[UInt8[np.ndarray, "_h _w"]], settings: SearchSettings
    ) -> list[FoundFeatures]:
        """All that `search_each` gives."""
        return list(self.search_each(grays, settings))

    def search_each(
        self, grays: Sequence[UInt8[np.ndarray, "_h _w"]], settings: SearchSettings
    ) -> Iterator[FoundFeatures]:
        """What each picture shows, in their order, as soon as it is known. Raises Dust3rSfmError where the
        system ended a process."""
        if not self._processes:
            own = Search(settings)
            yield from map(own.search, grays)
            return
        free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for process in self._processes:
            free.put(process)

        def search_one(gray: UInt8[np.ndarray, "_h _w"]) -> FoundFeatures:
            process = free.get()
            try:
                return _ask(process, gray, settings)
            finally:
                free.put(process)

        yield from in_threads(search_one, grays)


def _start_processes(count: int) -> list[subprocess.Popen[bytes]]:
    """Fewer, or none, where the system lets no more be started."""
    # In programs that have Python built in, this is the program, and not to be started again.
    if not PurePath(sys.executable or "").name.lower().startswith("python"):
        return []
    command = [sys.executable, "-c", _START, json.dumps(sys.path)]
    # Each has one core.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            started.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            )
    except OSError:
        return started
    return started


def _ask(
    process: subprocess.Popen[bytes], gray: UInt8[np.ndarray, "_h _w"], settings: SearchSettings
) -> FoundFeatures:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_message(process.stdin, asdict(settings), [gray])
        answer = read_message(process.stdout)
    except OSError:
        answer = None
    if answer is None:
        raise Dust3rSfmError(
            "a process that searched a photo for features was ended by the system "
            f"(exit code {process.wait()}); close other programs if memory was short, and run again"
        )
    about, arrays = answer
    if "error" in about:
        raise Dust3rSfmError(f"a photo could not be searched for features ({about['error']})")
    pixels, descriptors = arrays
    return pixels, descriptors
