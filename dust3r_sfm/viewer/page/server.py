"""viser's server without what it prints, and without its way to the public internet."""

import contextlib
import io
import socket

import viser

from dust3r_sfm.errors import InputError


class QuietServer(viser.ViserServer):
    """On one host; never shared through a tunnel."""

    def __init__(self, host: str, port: int) -> None:
        # viser prints a panel with its address whatever `verbose` says; ours is told by who asked for it.
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(host=host, port=port, label="dust3r_sfm", verbose=False)
        self.gui.configure_theme(show_share_button=False, show_logo=False, control_width="large")

    def request_share_url(self, verbose: bool = True) -> str | None:
        """None: any browser may ask for it, also without the button."""
        return None

    def stop(self) -> None:
        """Ends all threads, and says nothing."""
        with contextlib.redirect_stdout(io.StringIO()):
            super().stop()


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
