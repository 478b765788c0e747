"""Viewers of the demo: one process a job, and none that is not asked for any more."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from plane_world import MIXED, plane_scene, write_photos

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.demo.viewers import Viewers
from dust3r_sfm.io.scene_file import save_scene

pytest.importorskip("viser", reason="viewers need viser, the extra [viewer]")


def finished_job(place: Path) -> Job:
    job = Job(place)
    write_photos(job.photos, MIXED[:2])
    save_scene(plane_scene(job.photos, MIXED[:2]), job.out / "scene.npz")
    return job


def viewers_of(job: Job) -> list[int]:
    """Process ids."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(job.out) in words:
                found.append(int(entry.name))
    return found


def use_viewers(use: Callable[[Viewers], Awaitable[None]]) -> None:
    async def work() -> None:
        viewers = Viewers(DemoConfig(max_viewers=1))
        try:
            await use(viewers)
        finally:
            await viewers.close_all()

    asyncio.run(work())


def test_who_asks_twice_while_another_is_closed_gets_one(tmp_path: Path) -> None:
    first, second = finished_job(tmp_path), finished_job(tmp_path)

    async def use(viewers: Viewers) -> None:
        assert await viewers.open(first)
        assert await asyncio.gather(viewers.open(second), viewers.open(second)) == [True, True]
        assert viewers_of(first) == []
        assert len(viewers_of(second)) == 1

    use_viewers(use)
    assert viewers_of(second) == []


def test_one_that_died_is_opened_again(tmp_path: Path) -> None:
    job = finished_job(tmp_path)

    async def use(viewers: Viewers) -> None:
        assert await viewers.open(job)
        (died,) = viewers_of(job)
        os.kill(died, signal.SIGKILL)
        while viewers_of(job) == [died]:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        assert await viewers.page(job.id) is None
        assert await viewers.open(job)
        assert len(viewers_of(job)) == 1
        assert b"<html" in (await viewers.page(job.id) or b"")

    use_viewers(use)


def test_one_that_is_closed_before_it_begins_keeps_nobody_waiting(tmp_path: Path) -> None:
    job = finished_job(tmp_path)

    async def use(viewers: Viewers) -> None:
        opening = asyncio.create_task(viewers.open(job))
        await asyncio.sleep(0)
        await viewers.close(job)
        assert not await asyncio.wait_for(opening, 30.0)

    use_viewers(use)
