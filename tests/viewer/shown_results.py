"""A small result as `reconstruct` writes it, and the viewer's page in a browser."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_room import LookupRegressor, make_room
from PIL import Image
from scipy.spatial.transform import Rotation

from dust3r_sfm.cli import main
from dust3r_sfm.viewer import Viewer

ROOMS = (("hall", 1, 4), ("attic", 2, 3))
WIDTH, HEIGHT, PANEL = 1000, 700, 420
"""Of the window, and what the panel covers of it on the right."""


def write_result(folder: Path) -> Path:
    """Of two rooms that share nothing, a photo of neither, and a torn file."""
    rooms = tuple(make_room(*room) for room in ROOMS)
    for room in rooms:
        room.write(folder / "photos")
    noise = np.random.default_rng(9).integers(0, 256, (72, 96, 3), np.uint8)
    Image.fromarray(noise).save(folder / "photos" / "nowhere.png")
    (folder / "photos" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    words = ["reconstruct", str(folder / "photos"), str(folder / "out"), "--regressor", "stereo", "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor(rooms))
        assert main(words) == 0
    return folder / "out"


@dataclass
class Watched:
    """The viewer's page, what it complained of and asked for."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def shot(self, keep: Path | None = None) -> np.ndarray:
        """The view left of the panel, when it no longer changes."""
        last, same = self._view(), 0
        for _ in range(60):
            self.page.wait_for_timeout(200)
            now = self._view()
            same = same + 1 if np.array_equal(now, last) else 0
            last = now
            if same == 3:
                break
        if keep is not None:
            Image.fromarray(last).save(keep)
        return last

    def _view(self) -> np.ndarray:
        clip = {"x": 0, "y": 0, "width": WIDTH - PANEL, "height": HEIGHT}
        return np.asarray(Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB"))

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def row(self, label: str) -> Any:
        """A labelled control, with all that belongs to it."""
        return self.page.locator(f"xpath=//label[normalize-space()='{label}']/../../..")

    def slide(self, label: str, key: str) -> None:
        """To an end, by `key`: Home or End. (Arrows move the view too.)"""
        self.row(label).get_by_role("slider").last.press(key)

    def choose(self, label: str, option: str) -> None:
        self.row(label).get_by_role("combobox").click()
        self.page.get_by_role("option", name=option).click()

    def click(self, x: float, y: float) -> None:
        """In the view, which notices what is under the pointer when it moves."""
        self.page.mouse.move(x, y)
        self.page.wait_for_timeout(300)
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(1000)

    def check(self, label: str) -> None:
        """Or the opposite."""
        self.row(label).get_by_role("checkbox").click()

    def chosen(self, label: str) -> str:
        return str(self.row(label).get_by_role("combobox").input_value())

    def says(self, text: str) -> None:
        """Waits for it."""
        self.page.get_by_text(text).first.wait_for()


@contextmanager
def watched(browser: Any, url: str) -> Iterator[Watched]:
    """No error by the end, and nothing asked of any other machine."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, accept_downloads=True)
    page = context.new_page()
    found = Watched(page)
    page.on("console", lambda m: m.type == "error" and found.errors.append(m.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on("dialog", lambda dialog: (found.errors.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: found.requests.append(request.url))
    # Without this, browsers that draw slowly draw fewer pixels from some time on.
    page.goto(f"{url}?fixedDpr=1")
    # It says that the browser has no graphics card, which is so.
    page.add_style_tag(content=".mantine-Notifications-root { display: none }")
    yield found
    assert found.errors == []
    assert [u for u in found.requests if not u.startswith((url, "data:", "blob:"))] == []
    context.close()


def changed_share(before: np.ndarray, after: np.ndarray) -> float:
    return float((before != after).any(axis=-1).mean())


def pixels_of(viewer: Viewer, places: np.ndarray) -> np.ndarray:
    """Where the only browser sees places of the page."""
    (client,) = viewer._server.get_clients().values()
    camera = client.camera
    rotation = Rotation.from_quat(np.roll(camera.wxyz, -1)).as_matrix()
    seen = (places - camera.position) @ rotation
    focal = HEIGHT / 2 / np.tan(camera.fov / 2)
    return seen[:, :2] / seen[:, 2:] * focal + [WIDTH / 2, HEIGHT / 2]
