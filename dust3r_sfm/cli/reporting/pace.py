"""How fast a stage is, and how long it will take from here."""

import time
from collections import deque

WINDOW_S = 30.0
"""The rate is that of the last so many seconds: what a former run left is counted at once, and no rate."""


class Pace:
    """Of one stage. `done` of `total` units are done."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self._begin_s = time.monotonic()
        self._marks = deque([(self._begin_s, 0)])

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        self._marks.append((now, self.done))
        while len(self._marks) > 2 and now - self._marks[1][0] > WINDOW_S:
            self._marks.popleft()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begin_s

    @property
    def rate(self) -> float | None:
        """Units a second; None as long as none is known."""
        (first_s, first), (last_s, last) = self._marks[0], self._marks[-1]
        return (last - first) / (last_s - first_s) if last > first and last_s > first_s else None

    @property
    def left_s(self) -> float | None:
        """Seconds at this rate; None as long as none is known."""
        rate = self.rate
        return None if rate is None else max(0.0, (self.total - self.done) / rate)


def rate_text(rate: float, unit: str) -> str:
    """Units a second, or seconds a unit where that is the larger number."""
    return f"{rate:.1f} {unit}/s" if rate >= 1 else f"{1 / rate:.1f} s/{one(unit)}"


def count_text(count: int, unit: str) -> str:
    return f"{count} {one(unit) if count == 1 else unit}"


def one(unit: str) -> str:
    """The singular of a unit."""
    return unit.removesuffix("s")
