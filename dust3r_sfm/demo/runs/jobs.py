"""What each page uploads, runs and is shown, in a folder of its own that goes with it."""

import asyncio
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.runs.state import State
from dust3r_sfm.errors import InputError


class Job:
    """`folder` has `photos`, `masks`, `out` and what downloads are made of."""

    def __init__(self, place: Path) -> None:
        self.id = secrets.token_urlsafe(16)
        """Whoever knows it may see and change the job: it is not to be guessed."""
        self.folder = place / self.id
        self.photos, self.masks, self.out = (self.folder / name for name in ("photos", "masks", "out"))
        for folder in (self.photos, self.masks):
            folder.mkdir(parents=True)
        self.state = State()
        self.watchers = 0
        """Pages that are told of it now."""
        self.seen_s = time.monotonic()
        """When somebody last asked for it."""
        self.num_bytes = 0
        """Of what was uploaded, what is being uploaded too."""
        self.num_uploading = 0
        """Files that come now."""
        self.run = 0
        """Which run `out` is of: another number as soon as it begins to go."""
        self._changed = asyncio.Event()

    def become(self, state: State) -> None:
        """Pages are told."""
        if state != self.state:
            self.state = state
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def changed(self) -> None:
        """Waits for the next state."""
        await self._changed.wait()

    def touch(self) -> None:
        """Somebody asks for it."""
        self.seen_s = time.monotonic()

    def is_lonely(self, after_s: float) -> bool:
        """Whether nobody has watched or asked for so long."""
        return not self.watchers and time.monotonic() - self.seen_s > after_s

    def clear_run(self) -> None:
        """What a run has left, or been made of it, goes; photos stay."""
        self.run += 1
        for path in self.folder.iterdir():
            if path not in (self.photos, self.masks):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def check_no_upload(self) -> None:
        """Raises InputError while a file comes."""
        if self.num_uploading:
            raise InputError("files are still coming; remove them when they are here")

    def forget_uploads(self) -> None:
        """As new, all at once; what was uploaded goes with the next `clear_run`. It must not run. Raises as
        `check_no_upload` does."""
        self.check_no_upload()
        for folder in (self.photos, self.masks):
            folder.rename(self.folder / f"old-{folder.name}-{secrets.token_hex(8)}")
            folder.mkdir()
        self.num_bytes = 0
        self.become(State())

    def remove(self) -> None:
        """Everything of it goes."""
        self.run += 1
        shutil.rmtree(self.folder, ignore_errors=True)


class Jobs:
    """All that there are, by id."""

    def __init__(self, place: Path, config: DemoConfig) -> None:
        self._place, self._config = place, config
        self._jobs: dict[str, Job] = {}

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def create(self) -> Job:
        """Raises InputError where there are too many still."""
        if len(self._jobs) >= self._config.max_jobs:
            raise InputError("too many people are here already; try again later")
        job = Job(self._place)
        self._jobs[job.id] = job
        return job

    def find(self, identifier: str) -> Job | None:
        job = self._jobs.get(identifier)
        if job is not None:
            job.touch()
        return job

    def in_the_way(self) -> list[Job]:
        """Which are to go before there is room for another: those that were only looked at, else the one that
        nobody has asked for longest."""
        if len(self._jobs) < self._config.max_jobs:
            return []
        empty = [job for job in self if not job.watchers and not job.state.photos]
        return empty or self._longest_waiting()

    def forget(self, job: Job) -> None:
        """Nobody finds it any more."""
        self._jobs.pop(job.id, None)

    def _longest_waiting(self) -> list[Job]:
        """For somebody to ask for it, if any does."""
        waiting = [job for job in self if not job.watchers and job.state.status not in ("queued", "running")]
        return sorted(waiting, key=lambda job: job.seen_s)[:1]
