"""A server that shows scenes, one after another, to any number of browsers.

How to put it into a page of one's own, behind a path of one's own server: viser's client takes its websocket
from where the page lies. Of `http://host:port/some/path/?x=1` it asks `ws://host:port/some/path` (the part
before `?`, without a last slash); `https` becomes `wss`. With `?websocket=ws://host:port/elsewhere` in the
page's address it asks that instead. All of the client is one HTML file: no other path is fetched. So a proxy
needs to hand on

- `GET /some/path/` (with the last slash or without) as `GET /` of `Viewer.url`, unchanged;
- the websocket at `/some/path`, any path of `Viewer.url` will do, with its subprotocol `viser-v...`, which
  the server asks for, in binary frames of up to 50 MB towards the server and as large as they come from it,
  without an idle timeout below a minute.

A proxy that changes neither `Host` nor `Origin`, or drops both, passes the server's look at where a page is
from; for any other, name the origin that browsers see (`origins`). viser's page sets no policy of its own on
being framed: an `<iframe>` of it works wherever its host allows it.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dust3r_sfm.errors import InputError
from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.scene import ViewedScene

if TYPE_CHECKING:
    from viser import ClientHandle

    from dust3r_sfm.viewer.page.page import Page

DEFAULT_PORT = 8080
"""viser's; the next free one is taken where it is not."""


def require_viser() -> None:
    """Raises InputError that names the extra where it is not installed."""
    try:
        import viser  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"the viewer needs viser ({error}); install it with: pip install 'dust3r-sfm[viewer]'"
        ) from error


class Viewer:
    """Serves an empty page from when it is made until `close`. `origins`: of pages beside its own that may
    ask for it, such as https://hub.example.org where a proxy is. Raises InputError without viser, and for a
    host that cannot be listened on. A context manager."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        config: ViewerConfig | None = None,
        origins: Sequence[str] = (),
    ) -> None:
        require_viser()
        from dust3r_sfm.viewer.page.server import QuietServer, check_address

        check_address(host, port)
        self._config, self._host = config or ViewerConfig(), host
        self._lock = threading.RLock()
        self._page: Page | None = None
        self._server = QuietServer(host, port, tuple(origins))
        self._server.on_client_disconnect(self._forget)

    @property
    def port(self) -> int:
        """That it listens on."""
        return self._server.get_port()

    @property
    def url(self) -> str:
        """Of the page, for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._host, self._host)
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"http://{host}:{self.port}"

    def show(self, scene: ViewedScene, compare: ViewedScene | None = None) -> None:
        """In all browsers, in place of what was shown before. `compare`: beside it. Raises InputError for two
        that share no photos."""
        self._show(scene, compare, 0)

    def clear(self) -> None:
        """Shows an empty page."""
        with self._lock:
            if self._page is not None:
                self._page.end()
            self._page = None
            self._server.scene.remove_click_callback()
            self._server.gui.reset()
            self._server.scene.reset()

    def close(self) -> None:
        """Ends the server; browsers see that it is gone. May be called again."""
        if self._page is not None:
            self._page.end()
        self._server.stop()

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _show(self, scene: ViewedScene, compare: ViewedScene | None, chosen: int) -> None:
        from dust3r_sfm.viewer.page.page import Page

        with self._lock:
            self.clear()
            self._page = page = Page(self._server, scene, compare, chosen, self._config)
            choice = page.controls.component
            if choice is not None:
                choice.on_update(
                    lambda event: self._show(scene, compare, event.target.options.index(event.target.value))
                )

    def _forget(self, client: "ClientHandle") -> None:
        if self._page is not None:
            self._page.forget(client)
