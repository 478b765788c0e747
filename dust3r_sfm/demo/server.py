"""Serves the demo until it is asked to end."""

import socket
from collections.abc import Callable

from dust3r_sfm.demo.config import DemoSettings
from dust3r_sfm.errors import InputError, OutputError

_TRIED_PORTS = 20
"""Beginning with the default one."""
DEFAULT_PORT = 7860
"""gradio's, as the published demos have it."""
_LARGEST_FRAME = 64 * 2**20
"""Bytes of a websocket's frame that a viewer may be sent."""
_GRACE_S = 1
"""For requests that are being answered when the server ends."""


def require_server() -> None:
    """Raises InputError that names the extra where it is not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"the demo needs a web server ({error}); install it with: pip install 'dust3r-sfm[demo]'"
        ) from error


def listen(host: str, port: int | None) -> socket.socket:
    """On this port, or without one on the first from the default that is free. Raises OutputError where that
    cannot be."""
    ports = range(DEFAULT_PORT, DEFAULT_PORT + _TRIED_PORTS) if port is None else (port,)
    why = OSError()
    for tried in ports:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, tried, type=socket.SOCK_STREAM)[0]
            found = socket.socket(family, kind)
        except OSError as error:
            raise OutputError(
                f"--server-name {host}: {error.strerror}; give an address of this machine"
            ) from error
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(address)
            # At once: browsers may ask before the server answers.
            found.listen()
        except OSError as error:
            found.close()
            why = error
            continue
        return found
    raise OutputError(
        f"--server-port {ports[0]}: {host} cannot be listened on there ({why.strerror})"
    ) from why


def serve(settings: DemoSettings, found: socket.socket, host: str, say: Callable[[str], None]) -> int:
    """Until a signal ends it, whose number is returned. `say` hears the address when the page is there."""
    import uvicorn

    from dust3r_sfm.demo.app import Demo
    from dust3r_sfm.demo.guard import Guard
    from dust3r_sfm.demo.until_signal import ServerUntilSignal

    names = {host, "localhost", socket.gethostname().lower()}
    config = uvicorn.Config(
        Guard(Demo(settings).app(), names),
        # What uvicorn says of requests that the end cuts off is no news.
        log_level="critical",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=_LARGEST_FRAME,
        timeout_graceful_shutdown=_GRACE_S,
        lifespan="on",
    )
    say(address_of(host, found.getsockname()[1]))
    server = ServerUntilSignal(config)
    server.run(sockets=[found])
    return server.ended_by


def address_of(host: str, port: int) -> str:
    """For a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
