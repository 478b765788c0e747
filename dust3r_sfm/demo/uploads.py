"""Files as they come: onto the disk part by part, and refused as soon as they are too much."""

import asyncio
import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.names import check_kind, safe_name
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.images.kinds import is_photo, is_video
from dust3r_sfm.io.photo_names import natural_key

Kind = Literal["photos", "masks"]
_INCOMING = ".incoming-"


async def receive(job: Job, kind: Kind, wanted: str, parts: AsyncIterator[bytes], config: DemoConfig) -> str:
    """The name that the file has now. Raises InputError for what is too large or no photo or video,
    OutputError for a full disk; then, and where the connection is lost, nothing of it stays."""
    folder = job.photos if kind == "photos" else job.masks
    taken = [path.name.removeprefix(_INCOMING) for path in folder.iterdir()]
    name = safe_name(wanted, taken)
    _check_room(job, kind, name, len(taken), config)
    incoming = folder / (_INCOMING + name)
    with _uploading(job):
        written = 0
        try:
            # Made at once, so that no other upload takes the name.
            with incoming.open("xb") as file:
                async for part in parts:
                    written += len(part)
                    job.num_bytes += len(part)
                    _check_size(name, written, job.num_bytes, config)
                    await asyncio.to_thread(file.write, part)
            await asyncio.to_thread(check_kind, incoming, name)
            incoming.rename(folder / name)
        except BaseException as error:
            job.num_bytes -= written
            with suppress(OSError):
                incoming.unlink()
            if isinstance(error, OSError):
                raise OutputError(_why_not_kept(name, error)) from error
            raise
    _tell(job)
    return name


@contextmanager
def _uploading(job: Job) -> Iterator[None]:
    job.num_uploading += 1
    try:
        yield
    finally:
        job.num_uploading -= 1


def _check_room(job: Job, kind: Kind, name: str, count: int, config: DemoConfig) -> None:
    if job.state.status in ("queued", "running"):
        raise InputError("a run goes on; stop it before you change its photos")
    if count >= config.max_photos:
        raise InputError(f"{name}: there are {count} {kind} already, as many as this demo takes")
    there = [Path(photo) for photo in job.state.photos]
    if kind == "masks":
        if not is_photo(Path(name)):
            raise InputError(
                f"{name}: is no picture, by its name; masks are black where a photo must not be used"
            )
        return
    if is_video(Path(name)) and there:
        raise InputError(f"{name}: give one video, or photos")
    if there and is_video(there[0]):
        raise InputError(f"{name}: there is a video already; give one video, or photos")


def _check_size(name: str, of_file: int, of_job: int, config: DemoConfig) -> None:
    if of_file > config.max_file_bytes:
        raise InputError(f"{name}: is larger than {config.max_file_bytes / 1e6:.0f} MB")
    if of_job > config.max_job_bytes:
        raise InputError(
            f"{name}: makes more than {config.max_job_bytes / 1e6:.0f} MB with the files before it"
        )


def _why_not_kept(name: str, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{name}: there is no room left on the disk of this demo"
    return f"{name}: cannot be kept ({error.strerror})"


def _tell(job: Job) -> None:
    photos, masks = (_names_in(folder) for folder in (job.photos, job.masks))
    job.become(replace(job.state, photos=photos, num_masks=len(masks)))


def _names_in(folder: Path) -> tuple[str, ...]:
    """In the order in which a run counts them."""
    names = [path.name for path in folder.iterdir() if not path.name.startswith(_INCOMING)]
    return tuple(sorted(names, key=natural_key))
