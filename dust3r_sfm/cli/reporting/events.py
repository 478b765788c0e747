"""For programs: what is said as JSON, one object a line. docs/command_line.md has every event."""

import json
import os
import threading
import time
from collections.abc import Mapping
from typing import TextIO

from dust3r_sfm.cli.reporting.drawing import STARTING
from dust3r_sfm.cli.reporting.messages import Fact, Failure, Planned, Summary
from dust3r_sfm.cli.reporting.pace import Pace
from dust3r_sfm.io.photo_names import shown

SCHEMA = 1
"""Raised when an event or a field goes or changes its meaning; new ones may come at any time."""
SAYS_EVERY_S = 0.2
"""Of one stage at most so often, and at its end."""


class JsonReporter:
    """See `Reporter`. The last event is a summary or an error; of a model that is weak, first the one and
    then the other."""

    def __init__(self, stream: TextIO, command: str, arguments: list[str], version: str) -> None:
        self._stream, self._begin_s, self._lock = stream, time.monotonic(), threading.RLock()
        self._about: dict[str, Fact] = {
            "schema": SCHEMA,
            "version": version,
            "command": command,
            "arguments": arguments,
        }
        self.progress = StageEvents(self)

    def begin(self) -> None:
        self.write("begin", self._about)
        # Until the first stage libraries are loaded, which takes seconds.
        self.progress.start(STARTING, 1, "steps")

    def write(self, event: str, fields: Mapping[str, Fact]) -> None:
        """In pure ASCII, and at once."""
        with self._lock:
            said = {"event": event, "time_s": round(time.monotonic() - self._begin_s, 3), **fields}
            self._stream.write(json.dumps(said, allow_nan=False) + "\n")
            self._stream.flush()

    def announce(self, plan: Planned) -> None:
        self.progress.finish()
        self.write("plan", {"text": _shown_lines(plan.lines), **plan.facts})

    def remark(self, text: str) -> None:
        self.write("remark", {"text": shown(text)})

    def warn(self, text: str) -> None:
        self.write("warning", {"text": shown(text)})

    def conclude(self, summary: Summary) -> None:
        self.progress.finish()
        steps = [{"purpose": step.purpose, "command": step.command} for step in summary.steps]
        self.write("summary", {"text": _shown_lines(summary.lines), **summary.facts, "next": steps})

    def fail(self, failure: Failure) -> None:
        text, code, stopped = shown(failure.text), failure.exit_code, failure.stopped
        try:
            self.write("error", {"text": text, "exit_code": code, "stopped": stopped})
        except BrokenPipeError:
            # Who listened is gone. What is left in the buffer is lost, without a traceback at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def close(self) -> None:
        pass


class StageEvents:
    """Progress as events."""

    def __init__(self, reporter: JsonReporter) -> None:
        self._reporter = reporter
        self._number, self._label, self._unit, self._pace = 0, "", "", Pace(0)
        self._said_s, self._said = 0.0, 0

    def start(self, label: str, total: int, unit: str) -> None:
        self.finish()
        self._number += 1
        self._label, self._unit, self._pace = label, unit, Pace(total)
        self._said_s, self._said = time.monotonic(), 0
        self._reporter.write("stage", {**self._name(), "total": total})

    def advance(self, count: int = 1) -> None:
        self._pace.advance(count)
        now = time.monotonic()
        if now - self._said_s >= SAYS_EVERY_S or self._pace.done >= self._pace.total:
            self._say(now)

    def finish(self) -> None:
        """Says how far the stage came, if that was not said yet."""
        if self._label == STARTING and not self._pace.done:
            self.advance()
        elif self._said != self._pace.done:
            self._say(time.monotonic())

    def _say(self, now: float) -> None:
        pace = self._pace
        self._said_s, self._said = now, pace.done
        rate, left_s = pace.rate, pace.left_s
        fields: dict[str, Fact] = {
            **self._name(),
            "done": pace.done,
            "total": pace.total,
            "rate": None if rate is None else round(rate, 3),
            "left_s": None if left_s is None else round(left_s, 1),
        }
        self._reporter.write("advance", fields)

    def _name(self) -> dict[str, Fact]:
        return {"stage": self._number, "label": self._label, "unit": self._unit}


def _shown_lines(lines: tuple[str, ...]) -> list[str]:
    return [shown(line) for line in lines]
