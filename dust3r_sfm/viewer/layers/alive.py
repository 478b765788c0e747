"""Work that must not outlive what it works on: handlers and threads of a page that another one replaces."""

import threading
from collections.abc import Callable
from typing import ParamSpec

_Given = ParamSpec("_Given")


class Alive:
    """Until `end`; from then on what is guarded does nothing."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.ended = False
        """Whether it has come."""

    def guard(self, work: Callable[_Given, object]) -> Callable[_Given, None]:
        """`work`, one at a time and before the end alone."""

        def guarded(*given: _Given.args, **named: _Given.kwargs) -> None:
            with self._lock:
                if not self.ended:
                    work(*given, **named)

        return guarded

    def end(self) -> None:
        """Returns when nothing that is guarded runs any more."""
        with self._lock:
            self.ended = True
