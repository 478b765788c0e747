"""Results in 3D: `dust3r-sfm view` as child processes, whose pages go through our own port."""

import asyncio
import http.client
import re
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.runs.children import child_process
from dust3r_sfm.demo.runs.jobs import Job

_ADDRESS = re.compile(r"look at (http://\S+)")
_PATIENCE_S = 10.0
"""Of requests to a viewer, which is on this machine."""


@dataclass
class _Viewer:
    address: asyncio.Future[str | None]
    task: "asyncio.Task[None] | None" = None


class Viewers:
    """At most `config.max_viewers`, the one opened first ends for a new one."""

    def __init__(self, config: DemoConfig) -> None:
        self._config = config
        self._viewers: dict[str, _Viewer] = {}
        # Making room takes a while, in which another would be opened for the same job.
        self._opening = asyncio.Lock()

    async def open(self, job: Job) -> bool:
        """Whether there is one now; not where viser, or the command, is not installed."""
        async with self._opening:
            if job.id not in self._viewers:
                while len(self._viewers) >= self._config.max_viewers:
                    await self._close(next(iter(self._viewers)))
                viewer = _Viewer(asyncio.get_running_loop().create_future())
                viewer.task = asyncio.create_task(self._serve(job, viewer))
                self._viewers[job.id] = viewer
            address = self._viewers[job.id].address
        return await asyncio.shield(address) is not None

    async def close(self, job: Job) -> None:
        await self._close(job.id)

    async def close_all(self) -> None:
        for identifier in list(self._viewers):
            await self._close(identifier)

    async def page(self, identifier: str) -> bytes | None:
        """The viewer's page, all of which is one file; None where there is no viewer."""
        address = self._address(identifier)
        return None if address is None else await asyncio.to_thread(_get, address)

    async def pass_through(self, identifier: str, browser: WebSocket) -> None:
        """The browser's websocket to the viewer's, until one of them ends."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed
        from websockets.typing import Subprotocol

        address = self._address(identifier)
        if address is None:
            await browser.close(1008)
            return
        protocols = [Subprotocol(name) for name in browser.scope["subprotocols"]]
        url = address.replace("http:", "ws:", 1)
        with suppress(OSError, ConnectionClosed, WebSocketDisconnect, RuntimeError):
            async with connect(url, subprotocols=protocols or None, max_size=None, proxy=None) as viewer:
                await browser.accept(viewer.subprotocol)

                async def from_browser() -> None:
                    while True:
                        message = await browser.receive()
                        if message["type"] == "websocket.disconnect":
                            return
                        data = message.get("bytes")
                        await viewer.send(message["text"] if data is None else data)

                async def to_browser() -> None:
                    async for data in viewer:
                        if isinstance(data, str):
                            await browser.send_text(data)
                        else:
                            await browser.send_bytes(data)
                    await browser.close()

                await _first_of(from_browser(), to_browser())

    def _address(self, identifier: str) -> str | None:
        viewer = self._viewers.get(identifier)
        return viewer.address.result() if viewer is not None and viewer.address.done() else None

    async def _serve(self, job: Job, viewer: _Viewer) -> None:
        """One process, until it ends or is cancelled."""
        words = ["view", str(job.out), "--host", "127.0.0.1", "--port", "0"]
        try:
            async with child_process(words, self._config.stop_s) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                quiet = asyncio.create_task(_drain(process.stderr))
                try:
                    address = await asyncio.wait_for(_address_in(process.stdout), self._config.viewer_start_s)
                    viewer.address.set_result(address)
                    await _drain(process.stdout)
                finally:
                    quiet.cancel()
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            if not viewer.address.done():
                viewer.address.set_result(None)
            if self._viewers.get(job.id) is viewer:
                del self._viewers[job.id]

    async def _close(self, identifier: str) -> None:
        """If there is one."""
        viewer = self._viewers.pop(identifier, None)
        if viewer is None:
            return
        if viewer.task is not None:
            viewer.task.cancel()
            await asyncio.wait([viewer.task])
        # Cancelled before its first step, it has not told so itself.
        if not viewer.address.done():
            viewer.address.set_result(None)


async def _first_of(*ways: Coroutine[Any, Any, None]) -> None:
    """Until one ends; then the others do."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _address_in(stream: asyncio.StreamReader) -> str | None:
    """None where the process ends without having said one."""
    async for line in stream:
        if found := _ADDRESS.search(line.decode(errors="replace")):
            return found[1]
    return None


async def _drain(stream: asyncio.StreamReader) -> None:
    """A pipe that nobody reads would hold the process up."""
    while await stream.read(2**16):
        pass


def _get(address: str) -> bytes:
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()
