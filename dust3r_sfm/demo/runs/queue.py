"""One run at a time; the rest wait, and are told how many are before them."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.runs.children import run_child
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.demo.runs.state import State, Told

_logger = logging.getLogger(__name__)
WEAK = 5
"""The exit code of a model that was written and is weak."""


@dataclass(frozen=True)
class Run:
    """A job, and the command lines that make its result, one after another."""

    job: Job
    commands: Sequence[Sequence[str]]


class RunQueue:
    """Takes runs up from `work`."""

    def __init__(self, config: DemoConfig) -> None:
        self._config = config
        self._waiting: deque[Run] = deque()
        self._arrived = asyncio.Event()
        self._running: tuple[Job, asyncio.Task[None]] | None = None

    def submit(self, run: Run) -> None:
        """At the end of the queue."""
        old = run.job.state
        run.job.become(State("queued", photos=old.photos, num_masks=old.num_masks))
        self._waiting.append(run)
        self._tell_places()
        self._arrived.set()

    async def stop(self, job: Job) -> None:
        """Out of the queue, or ended with all that it left, by the time this returns."""
        waiting = [run for run in self._waiting if run.job is job]
        for run in waiting:
            self._waiting.remove(run)
            job.become(replace(job.state, status="stopped", place=0))
        self._tell_places()
        if self._running is not None and self._running[0] is job:
            task = self._running[1]
            task.cancel()
            await asyncio.wait([task])
            # Cancelled before its first step, or twice, it has not told so itself; one that was submitted
            # again meanwhile is another run.
            waits = any(run.job is job for run in self._waiting)
            if not waits and job.state.status in ("queued", "running"):
                job.become(replace(job.state, status="stopped", place=0, stage=None, summary=None))

    async def work(self) -> None:
        """Runs what comes, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                run = self._waiting.popleft()
                task = asyncio.create_task(self._do(run))
                self._running = run.job, task
                self._tell_places()
                try:
                    await asyncio.wait([task])
                finally:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                    self._running = None

    async def _do(self, run: Run) -> None:
        job = run.job
        try:
            await asyncio.to_thread(job.clear_run)
            job.become(replace(job.state, status="running", place=0))
            await self._run_commands(run)
        except asyncio.CancelledError:
            await asyncio.to_thread(job.clear_run)
            job.become(replace(job.state, status="stopped", stage=None, summary=None))
            raise
        except OSError as error:
            job.become(replace(job.state, status="failed", error=f"cannot be started: {error.strerror}"))
        except Exception:
            # One run's mistake must not keep the others waiting for ever.
            _logger.exception("a run of the demo")
            job.become(replace(job.state, status="failed", error="this is a mistake of the demo's"))

    async def _run_commands(self, run: Run) -> None:
        job, told = run.job, Told(run.job.state, self._config.max_notes, f"{run.job.folder}/")

        def hear(event: Mapping[str, Any]) -> None:
            told.hear(event)
            job.become(told.state)

        for command in run.commands:
            # What a film's frames came to is no result.
            told.state = replace(told.state, summary=None)
            code, errors = await run_child(command, self._config.stop_s, hear)
            if code not in (0, WEAK):
                why = (
                    told.state.error
                    or errors.replace(told.hidden, "")
                    or f"the run ended with exit code {code}"
                )
                await asyncio.to_thread(job.clear_run)
                job.become(replace(told.state, status="failed", stage=None, summary=None, error=why))
                return
        job.become(replace(told.state, status="done", stage=None))

    def _tell_places(self) -> None:
        before = 0 if self._running is None else 1
        for index, run in enumerate(self._waiting):
            run.job.become(replace(run.job.state, place=before + index))
