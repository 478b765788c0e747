"""Work that is asked for faster than it can be done, as by a slider that moves: only the last wish counts."""

import threading
from collections.abc import Callable


class Latest:
    """Does `work` once for all that ask while it runs, and never twice at once."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._wanted = self._running = False

    def ask(self) -> None:
        """Returns when it was done after this call, or when another thread will do it."""
        with self._lock:
            self._wanted = True
            if self._running:
                return
            self._running = True
        while self._next():
            try:
                self._work()
            except BaseException:
                with self._lock:
                    self._running = False
                raise

    def _next(self) -> bool:
        with self._lock:
            self._running = self._wanted
            self._wanted = False
            return self._running
