"""Runs that are stopped at awkward moments."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.demo.runs.queue import Run, RunQueue

COMMANDS = [["version"]]


async def with_queue(use: Callable[[RunQueue], Awaitable[None]]) -> None:
    queue = RunQueue(DemoConfig())
    working = asyncio.create_task(queue.work())
    try:
        await use(queue)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_run_that_is_stopped_as_it_begins_is_stopped(tmp_path: Path, steps: int) -> None:
    """Before its task's first step, and while what the run before left is being removed."""
    job = Job(tmp_path)
    for number in range(300):
        (job.folder / f"left-{number}").touch()

    async def use(queue: RunQueue) -> None:
        queue.submit(Run(job, COMMANDS))
        for _ in range(steps):
            await asyncio.sleep(0)
        await queue.stop(job)
        assert job.state.status == "stopped"

    asyncio.run(with_queue(use))


def test_a_run_that_is_stopped_twice_at_once_is_stopped(tmp_path: Path) -> None:
    job = Job(tmp_path)

    async def use(queue: RunQueue) -> None:
        queue.submit(Run(job, COMMANDS))
        while job.state.status != "running":
            await asyncio.sleep(0)
        await asyncio.gather(*(queue.stop(job) for _ in range(3)))
        assert job.state.status == "stopped"

    asyncio.run(with_queue(use))


def test_a_stopped_run_can_be_submitted_again(tmp_path: Path) -> None:
    job = Job(tmp_path)

    async def use(queue: RunQueue) -> None:
        for _ in range(2):
            queue.submit(Run(job, COMMANDS))
            await asyncio.sleep(0)
            await queue.stop(job)
        queue.submit(Run(job, COMMANDS))
        while job.state.status in ("queued", "running"):
            await asyncio.wait_for(job.changed(), 60.0)
        assert job.state.status == "done"

    asyncio.run(with_queue(use))
