"""viser's server without what it prints, and without its way to the public internet."""

import contextlib
import io
import logging
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import viser
from viser.infra import WebsockClientConnection

from dust3r_sfm.errors import InputError

_logger = logging.getLogger(__name__)


class QuietServer(viser.ViserServer):
    """On one host; never shared through a tunnel. Pages of other sites that are open in the same browser get
    nothing: only what was loaded from this server itself does, or from one of `origins`."""

    def __init__(self, host: str, port: int, origins: Sequence[str]) -> None:
        # Of a browser that is gone before it was answered Python would tell where nobody handles logs.
        logging.getLogger("websockets.server").addHandler(logging.NullHandler())
        # viser prints a panel with its address whatever `verbose` says; ours is told by who asked for it.
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(host=host, port=port, label="dust3r_sfm", verbose=False)
        self._host, self._origins = host, origins
        # viser looks at no origin, and has no public place to do it before anything is sent.
        self._websock_server.on_client_connect(self._refuse_strangers)
        self.gui.configure_theme(show_share_button=False, show_logo=False, control_width="large")

    def request_share_url(self, verbose: bool = True) -> str | None:
        """None: any browser may ask for it, also without the button."""
        return None

    async def _refuse_strangers(self, client: WebsockClientConnection) -> None:
        connection = self._websock_server._live_connections[client.client_id]
        headers = {} if connection.request is None else connection.request.headers
        origin, asked = headers.get("Origin"), headers.get("Host", "")
        if not may_connect(origin, asked, self._host, self._origins):
            _logger.warning("a page of %r asked for the viewer at %r and was refused", origin, asked)
            await connection.close(1008, "another origin")

    def stop(self) -> None:
        """Ends all threads, and says nothing."""
        with contextlib.redirect_stdout(io.StringIO()):
            super().stop()


def may_connect(origin: str | None, asked: str, host: str, origins: Sequence[str]) -> bool:
    """Whether a page may have what is shown. `origin` is where the browser has it from, None of programs that
    are no browsers; `asked` the host and port that it believes to talk to; `host` what the server listens on.
    A stranger's name that leads to this machine is a trick to look like the server's own page."""
    if origin is None or origin in origins:
        return True
    if urlsplit(origin).netloc != asked:
        return False
    name = urlsplit(f"//{asked}").hostname or ""
    return name in ("localhost", host) or _is_address(name) or not _is_local(host)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def check_address(host: str, port: int) -> None:
    """Raises InputError for a host that this machine does not have, or a port that is none: viser would look
    for a free port for ever."""
    if not 0 <= port < 2**16:
        raise InputError(f"--port {port}: give a number from 0 (any free one) to {2**16 - 1}")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"--host {host}: cannot be listened on ({error}); give 127.0.0.1 for this machine alone, or one "
            "of its addresses"
        ) from error
