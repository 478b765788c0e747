"""uvicorn's server, ended by signals as our other commands are."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class ServerUntilSignal(uvicorn.Server):
    """uvicorn itself sends the signal once more when it is done. For us that would be somebody who does not
    want to wait, and nothing would be tidied up."""

    ended_by: int = signal.SIGINT
    """The number of the signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Imported later, by whatever reads a photo, it would take SIGTERM for itself, and end with a stack.
        import pycolmap  # noqa: F401

        # One that is ignored, by nohup or in the background, stays ignored.
        wanted = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, number: int, _: FrameType | None) -> None:
        if not self.should_exit:
            self.ended_by = number
        self.should_exit = True
