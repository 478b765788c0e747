"""How far a download of the hub's library is, told by the files that it writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub.utils import (  # type: ignore[attr-defined]
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from dust3r_sfm.progress import Progress

MEGABYTE = 10**6
LOOKS_EVERY_S = 0.5


@contextmanager
def report_download(label: str, num_bytes: int, repo_folder: Path, progress: Progress) -> Iterator[None]:
    """While the block downloads into the hub's `repo_folder`: a stage in MB on `progress`, from a thread of
    its own. The library's own bars stay away: which of them there are, and how they may be replaced, is
    another matter from version to version."""
    progress.start(label, num_bytes // MEGABYTE, "MB")
    had_bars = not are_progress_bars_disabled()
    done = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(repo_folder, num_bytes // MEGABYTE, progress, done), daemon=True
    )
    disable_progress_bars()
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        if had_bars:
            enable_progress_bars()


def _watch(repo_folder: Path, total: int, progress: Progress, done: threading.Event) -> None:
    told, over = 0, False
    while not over:
        over = done.wait(LOOKS_EVERY_S)
        here = min(total, _num_bytes(repo_folder / "blobs") // MEGABYTE)
        if here > told:
            progress.advance(here - told)
            told = here


def _num_bytes(folder: Path) -> int:
    """Of the files there, those that are not whole yet too."""
    sizes = 0
    for path in folder.glob("*"):
        try:
            sizes += path.stat().st_size
        except OSError:
            # Renamed a moment ago: the next look finds it.
            continue
    return sizes
