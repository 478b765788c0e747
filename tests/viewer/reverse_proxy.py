"""A small server that has the viewer below a path of its own, as the demo and notebook hubs do."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reverse_proxy(path: str, port: int) -> Iterator[str]:
    """Its own address: what lies below `path` is handed on to `port` of this machine with `path` taken off,
    the websocket too; `Host` and `Origin` stay as they came."""
    loop = asyncio.new_event_loop()
    # In a thread of its own: playwright's loop runs in the test's.
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.start_server(
        lambda reader, writer: _serve(reader, writer, path, port), "127.0.0.1", 0
    )
    server = asyncio.run_coroutine_threadsafe(listening, loop).result(timeout=10)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, port: int) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, rest = head.split(b" ", 2)
    if not target.startswith(path.encode()):
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        return
    below = target[len(path) :] or b"/"
    server, client = await asyncio.open_connection("127.0.0.1", port)
    client.write(b" ".join([method, below if below.startswith(b"/") else b"/" + below, rest]))
    await asyncio.gather(_pump(reader, client), _pump(server, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
