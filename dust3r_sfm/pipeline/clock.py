"""Progress that also keeps the time of each stage, for the report."""

import time

from dust3r_sfm.progress import Progress


class StageClock:
    """Hands everything on to `progress`; `seconds` is wall time by stage label."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._label: str | None = None
        self._since_s = 0.0
        self.seconds: dict[str, float] = {}

    def start(self, label: str, total: int, unit: str) -> None:
        self.stop()
        self._label, self._since_s = label, time.perf_counter()
        self._progress.start(label, total, unit)

    def advance(self, count: int = 1) -> None:
        self._progress.advance(count)

    def stop(self) -> None:
        """Ends the stage that runs, if any."""
        if self._label is not None:
            elapsed = time.perf_counter() - self._since_s
            self.seconds[self._label] = self.seconds.get(self._label, 0.0) + elapsed
        self._label = None
