"""The command line as a child process: its events, and its end with all that it started."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

LONGEST_LINE = 2**24
"""Bytes of an event: a summary names every file that was left out."""
SHOWN_OF_ERRORS = 2000
"""Last bytes of stderr that are told where a run ends without an event."""


@asynccontextmanager
async def child_process(arguments: Sequence[str], stop_s: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """`dust3r-sfm` with these arguments, in a group of its own. When the block ends, however it does, all of
    the group end: asked, and after `stop_s` seconds made to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dust3r_sfm.cli", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # Shielded: whoever cancels twice must not leave a process behind.
        await asyncio.shield(_end(process, stop_s))


async def run_child(
    arguments: Sequence[str], stop_s: float, hear: Callable[[Mapping[str, Any]], None]
) -> tuple[int, str]:
    """The exit code, and the end of stderr. `hear` is given each event of `--progress json`."""
    async with child_process(arguments, stop_s) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(_last_of(process.stderr))
        try:
            async for line in process.stdout:
                with suppress(ValueError):
                    hear(json.loads(line))
            return await process.wait(), (await errors).decode(errors="replace").strip()
        finally:
            errors.cancel()


async def _last_of(stream: asyncio.StreamReader) -> bytes:
    last = b""
    while part := await stream.read(2**16):
        last = (last + part)[-SHOWN_OF_ERRORS:]
    return last


async def _end(process: asyncio.subprocess.Process, stop_s: float) -> None:
    if process.returncode is None:
        _signal(process, signal.SIGTERM)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), stop_s)
    # Its children too, and itself where it is busy with native code.
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To the whole group, whose number is that of its first process; nothing where all of it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
