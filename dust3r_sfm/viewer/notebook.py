"""A result within a notebook."""

from html import escape
from pathlib import Path

from dust3r_sfm.types import Reconstruction, Scene
from dust3r_sfm.viewer.reading.folders import read_viewed
from dust3r_sfm.viewer.reading.scenes import scene_from_reconstruction
from dust3r_sfm.viewer.scene import ViewedScene
from dust3r_sfm.viewer.viewer import Viewer


class Shown:
    """What a cell shows as long as its notebook runs, or until it is closed. A context manager."""

    def __init__(self, viewer: Viewer, height_px: int) -> None:
        self._viewer, self._height_px = viewer, height_px

    @property
    def url(self) -> str:
        """Of the page: it opens in a window of its own too."""
        return self._viewer.url

    def close(self) -> None:
        """Ends the server behind it; may be called again."""
        self._viewer.close()

    def _repr_html_(self) -> str:
        url = escape(self.url, quote=True)
        return f'<iframe src="{url}" width="100%" height="{self._height_px}" style="border:0"></iframe>'

    def __enter__(self) -> "Shown":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def show(
    result: Scene | Reconstruction | ViewedScene | Path | str, height_px: int = 600, port: int = 0
) -> Shown:
    """A result in the viewer, inline where a notebook's cell ends with it. `port` 0: any free one. The
    browser must reach this machine there: of a notebook elsewhere, forward the port as the notebook's own.
    Raises InputError without viser (extra `viewer`), and for a path that holds no result."""
    viewer = Viewer(port=port)
    try:
        viewer.show(_viewed(result))
    except BaseException:
        viewer.close()
        raise
    return Shown(viewer, height_px)


def _viewed(result: Scene | Reconstruction | ViewedScene | Path | str) -> ViewedScene:
    if isinstance(result, ViewedScene):
        return result
    if isinstance(result, Path | str):
        return read_viewed(Path(result))
    if isinstance(result, Scene):
        result = Reconstruction((result,), {})
    return scene_from_reconstruction(result, "result")
