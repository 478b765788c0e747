"""As much at once as the device takes, found by trying."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

from dust3r_sfm.errors import InputError

_logger = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

# What the devices that have no class of their own for it say.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class BatchSize:
    """Shrinks to half where memory runs out, and stays there; until then it doubles up to `most`."""

    def __init__(self, start: int, most: int) -> None:
        self.current = start
        self._most = most

    def succeeded(self, count: int) -> None:
        """A batch of `count` went through."""
        if count == self.current:
            self.current = min(2 * self.current, max(self._most, self.current))

    def failed(self, count: int) -> None:
        """A batch of `count` was too much. Raises InputError if nothing smaller is left."""
        if count == 1:
            raise InputError(
                "the device's memory does not hold a single pair: use --dtype bf16, or --device cpu"
            )
        self.current = self._most = count // 2
        _logger.info("out of memory with %d at once; going on with %d", count, self.current)


def in_batches(items: Sequence[T], size: BatchSize, run: Callable[[Sequence[T]], list[R]]) -> Iterator[R]:
    """The results of `run` on runs of items, in order; what was too much at once is done again in less."""
    first = 0
    while first < len(items):
        batch = items[first : first + size.current]
        results = _results_or_none(batch, run)
        if results is None:
            _release()
            size.failed(len(batch))
            continue
        first += len(batch)
        size.succeeded(len(batch))
        yield from results


def _results_or_none(batch: Sequence[T], run: Callable[[Sequence[T]], list[R]]) -> list[R] | None:
    """None where memory ran out. By then the traceback, which holds on to what was computed, is gone."""
    try:
        return run(batch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _OUT_OF_MEMORY)


def _release() -> None:
    """Gives back what the allocators keep for later: the smaller batch wants other sizes."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
