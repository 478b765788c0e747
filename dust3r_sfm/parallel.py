"""Work done side by side on all cores, with the same results in the same order as one after the other."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TypeVar

import torch
from threadpoolctl import threadpool_limits

Given = TypeVar("Given")
Found = TypeVar("Found")
MOST_WORKERS = 16
"""Each holds what it works on in memory, which more cores would only wait for."""
AHEAD = 2
"""Results a core that may wait to be taken: more would fill memory where taking is slower."""


def num_workers() -> int:
    """One a core that this process may use."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, MOST_WORKERS)


def in_threads(function: Callable[[Given], Found], items: Iterable[Given]) -> Generator[Found]:
    """The results in the order of `items`, each as soon as it and those before it are there. It pays for work
    that leaves the interpreter, as pycolmap, torch and numpy on large arrays do. Until all are taken, torch
    and BLAS have one thread for each of ours: with their own besides, a third of the time went into their
    waiting for each other."""
    workers = num_workers()
    waiting: deque[Future[Found]] = deque()
    with _one_blas_thread, one_torch_thread(), ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for left in waiting:
                left.cancel()


def threads_and_caller(
    function: Callable[[Given], Found], spread: Sequence[Given], own: Sequence[Given]
) -> Iterator[Found]:
    """The results for `spread` as `in_threads` has them, and evenly mixed with them those for `own`, which
    the calling thread works on, while it would only wait. Without `spread`, those for `own` are spread.
    The order is always the same."""
    if not len(spread):
        yield from in_threads(function, own)
        return
    num_spread, num_own = 0, 0
    with closing(in_threads(function, spread)) as found:
        while num_spread < len(spread) or num_own < len(own):
            if num_spread < len(spread) and num_spread * len(own) <= num_own * len(spread):
                yield next(found)
                num_spread += 1
            else:
                yield function(own[num_own])
                num_own += 1


class _OneBlasThread:
    """BLAS knows one limit a process: it is set by the first that asks for it, and lifted by the last."""

    def __init__(self) -> None:
        self._lock, self._users = threading.Lock(), 0
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._limits is None:
                self._limits = threadpool_limits(1, user_api="blas")

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users and self._limits is not None:
                self._limits.restore_original_limits()
                self._limits = None


_one_blas_thread = _OneBlasThread()


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """For many small steps, which fit one core's cache. Spreading each over all cores costs more than it
    saves, and on a busy machine twenty times the whole."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
