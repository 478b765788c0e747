"""How a command ends when it is asked to: by Ctrl-C, SIGTERM or a closed terminal.

All three raise `Ended` in the main thread, so that files that are half written go and work is kept. Native
code does not hear of it before it returns to Python: a thread ends the process after `MOST_S` all the same,
and at once where somebody asks again. What is written is whole or not there however a run ends.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from types import FrameType

MOST_S = 10.0
"""From the first signal to the end of the process."""
AGAIN_S = 1.0
"""A second signal after this is somebody who does not want to wait; before, programs that started this one
hand on what the terminal sent already."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Ended(KeyboardInterrupt):
    """A signal asks the command to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """As shells have it: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + (interrupt.number if isinstance(interrupt, Ended) else signal.SIGINT)


def run_interruptibly(work: Callable[[], int], last: bool = False) -> int:
    """The exit code of `work`, or that of the signal that ended it. `last`: the process ends with it, so that
    signals that come after are no longer for Python. Elsewhere than in the main thread, only `work`."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    with _Watch(last) as watch:
        try:
            code = work()
        except KeyboardInterrupt as interrupt:
            sys.stderr.write("stopped\n")
            return exit_code(interrupt)
        if watch.asked is None or code in (0, 128 + watch.asked):
            return code
        # A library swallowed what was raised, as some do while they are imported.
        sys.stderr.write("stopped\n")
        return 128 + watch.asked


@contextmanager
def without_their_handlers() -> Iterator[None]:
    """For imports of libraries that take signals for themselves (pycolmap: SIGTERM prints a native stack, and
    can wait for a lock for ever) or do not bear an exception there (torch): signals wait, and afterwards go
    where they went before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _signals_blocked():
        yield
        for number in _SIGNALS:
            if (handler := signal.getsignal(number)) is not None:
                signal.signal(number, handler)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Watch:
    """Handlers, and the thread that hears of signals even while the main thread is in native code."""

    def __init__(self, last: bool) -> None:
        self._last = last
        self.asked: int | None = None
        """The first signal that asked for the end."""

    def __enter__(self) -> "_Watch":
        # One that is ignored, by nohup or in the background, stays ignored.
        usual = (signal.SIG_DFL, signal.default_int_handler)
        self._before = {n: h for n in _SIGNALS if (h := signal.getsignal(n)) in usual}
        for number in self._before:
            signal.signal(number, self._raise)
        self._heard, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        with _signals_blocked():
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if self._last else handler)
        signal.set_wakeup_fd(self._wakeup)
        # What the thread reads as the end.
        os.close(self._write)

    def _raise(self, number: int, _: FrameType | None) -> None:
        if self.asked is None:
            self.asked = number
            raise Ended(number)

    def _watch(self) -> None:
        with os.fdopen(self._heard, "rb", buffering=0) as heard:
            first = self._next_signal(heard)
            if first is None:
                return
            timer = threading.Timer(MOST_S, _end_now, [first])
            timer.daemon = True
            timer.start()
            asked_s = time.monotonic()
            while (again := self._next_signal(heard)) is not None:
                if time.monotonic() - asked_s > AGAIN_S:
                    _end_now(again)
            timer.cancel()

    def _next_signal(self, heard: RawIOBase) -> int | None:
        """None once the watch is over."""
        while byte := heard.read(1):
            if byte[0] in self._before:
                return byte[0]
        return None


def _end_now(number: int) -> None:
    if os.isatty(2):
        # Bars hide the cursor, and nobody brings it back any more.
        os.write(2, b"\x1b[?25h")
    os.write(2, b"stopped\n")
    os._exit(128 + number)
