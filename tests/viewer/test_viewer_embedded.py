"""The viewer as others use it: hostile names, two results, many cameras, notebooks, proxies, the command."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import browser
from made_scenes import ball, camera_at
from reverse_proxy import reverse_proxy
from shown_results import HEIGHT, PANEL, WIDTH, changed_share, pixels_of, watched
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from dust3r_sfm import show
from dust3r_sfm.cli import main
from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry.colmap.models import model_of_photos
from dust3r_sfm.geometry.procrustes import move_poses
from dust3r_sfm.io.photo_names import shown
from dust3r_sfm.viewer import ViewedQuery, ViewedScene, Viewer, ViewerConfig
from dust3r_sfm.viewer.layers.cameras import camera_length
from dust3r_sfm.viewer.page.server import may_connect

__all__ = ["browser"]  # A fixture.

CONFIG = ViewerConfig(point_size=0.06, most_frustums=20)
HOSTILE = (
    "../../x",
    "<script>window.pwned = 1</script>.jpg",
    '"><img src=x onerror="window.pwned = 1">.jpg',
    "![x](/etc/hostname)",
    "[link](javascript:window.pwned=1)",
    "a\x1b[31m\n\x07b.jpg",
    "\u202egpj.exe",
    "&lt;b&gt;&amp;'`${window.pwned = 1}`",
    "x" * 250 + ".jpg",
    "/first/cameras/0",
)


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    with Viewer(port=0, config=CONFIG) as viewer:
        yield viewer


def names(count: int) -> list[str]:
    return [f"{number}.jpg" for number in range(count)]


def test_names_are_text_wherever_they_stand(viewer: Viewer, browser: Any, tmp_path: Path) -> None:
    queries = tuple(ViewedQuery(name, None, about=name) for name in HOSTILE)
    scene = ViewedScene(HOSTILE[1], (ball(HOSTILE),), {name: name for name in HOSTILE}, queries)
    viewer.show(scene)
    with watched(browser, viewer.url) as page:
        page.says("points shown")
        page.says(HOSTILE[1])
        page.tab("Lists")
        cells = page.page.locator("td").all_text_contents()
        assert cells == [shown(name) for name in HOSTILE for _ in range(2)] * 2
        page.tab("Photos")
        for number, name in enumerate(HOSTILE):
            option = f"{number + 1}: {shown(name)}"
            page.row("Photo").get_by_role("combobox").fill(option)
            page.page.get_by_role("option").first.click()
            page.page.get_by_text(shown(name), exact=True).first.wait_for()
        page.tab("Click")
        page.shot(tmp_path / "hostile.png")
        assert page.page.evaluate("window.pwned") is None
        assert page.page.locator("img[src=x], a[href^=javascript]").count() == 0
        assert not any("etc" in url for url in page.requests)


def test_two_results_stand_side_by_side_and_over_each_other(
    viewer: Viewer, browser: Any, tmp_path: Path
) -> None:
    scene = ViewedScene("before", (ball(names(5)),))
    moved = np.diag([2.0, 2.0, 2.0, 1.0])
    moved[:3, 3] = [5, 6, 7]
    component = scene.components[0]
    poses, _ = move_poses(component.cam_from_world, moved)
    other = replace(
        component,
        photos=tuple(
            replace(p, cam_from_world=pose) for p, pose in zip(component.photos, poses, strict=True)
        ),
        points=replace(component.points, xyz=(2 * component.points.xyz + [5, 6, 7]).astype(np.float32)),
    )
    viewer.show(scene)
    with watched(browser, viewer.url) as page:
        page.says("points shown")
        page.check("Show cameras")
        alone = page.shot(tmp_path / "alone.png")
        viewer.show(scene, ViewedScene("after", (other,)))
        page.says("before (orange), after (blue)")
        page.check("Show cameras")
        beside = page.shot(tmp_path / "beside.png")
        assert changed_share(alone, beside) > 0.02
        page.slide("Apart", "Home")
        over = page.shot(tmp_path / "over.png")
        inside = (over.min(axis=-1) < 200).mean()
        assert inside > 0.005
        page.row("Apart").get_by_role("textbox").fill("0.4")
        apart = page.shot(tmp_path / "apart.png")
        assert (apart.min(axis=-1) < 200).mean() > 1.2 * inside, "one ball hid the other: they were one"
    with pytest.raises(InputError, match="stranger: has 0 photo names in common"):
        viewer.show(scene, ViewedScene("stranger", (ball(["x", "y"]),)))


def test_many_cameras_are_one_object_that_is_clicked_all_the_same(
    viewer: Viewer, browser: Any, tmp_path: Path
) -> None:
    viewer.show(ViewedScene("many", (ball(names(60)),)))
    assert len(viewer._page._cameras[0]._frustums) == 0
    with watched(browser, viewer.url) as page:
        page.says("points shown")
        page.slide("Camera size", "End")
        around = page.shot(tmp_path / "around.png")
        side = viewer._page.sides[0]
        depth = 4 * camera_length(side.centres(), CONFIG)
        places = [centre + depth * rotation[:, 2] for rotation, centre in map(side.pose, range(60))]
        inside = [
            p for p in pixels_of(viewer, np.array(places)) if 0 < p[0] < WIDTH - PANEL and p[1] < HEIGHT
        ]
        page.click(*inside[len(inside) // 2])
        looked = page.shot(tmp_path / "looked.png")
        assert changed_share(around, looked) > 0.1
        page.tab("Photos")
        assert re.fullmatch(r"(\d+): \d+\.jpg", page.row("Photo").get_by_role("combobox").input_value())
        page.page.get_by_role("button", name="Back").click()
        np.testing.assert_array_equal(page.shot(), around)
        page.page.get_by_role("button", name="Show only this photo").click()
        assert changed_share(around, page.shot(tmp_path / "only.png")) > 0.02


def test_localized_photos_are_shown(viewer: Viewer, browser: Any, tmp_path: Path) -> None:
    queries = (
        ViewedQuery("here.jpg", camera_at(0.1), about="31 inliers"),
        ViewedQuery("lost.jpg", None, about="dark"),
    )
    viewer.show(ViewedScene("place", (ball(names(4)),), queries=queries))
    with watched(browser, viewer.url) as page:
        page.says("points shown")
        shot = page.shot(tmp_path / "queries.png")
        page.check("Localized photos")
        assert changed_share(shot, page.shot()) > 0.001
        page.tab("Lists")
        page.says("Localized: 1 of 2 photos")
        assert page.page.locator("td").all_text_contents() == ["here.jpg", "31 inliers", "lost.jpg", "dark"]


def test_scenes_follow_one_another_and_leave_nothing(viewer: Viewer, browser: Any) -> None:
    viewer.clear()
    with watched(browser, viewer.url) as page:
        empty = page.shot()
        for count in (3, 5):
            viewer.show(ViewedScene("it", (ball(names(count)),)))
            page.says(f"{count} photos, 3,000 points")
            assert changed_share(empty, page.shot()) > 0.02
        viewer.clear()
        page.page.get_by_text("points shown").wait_for(state="detached")
        np.testing.assert_array_equal(page.shot(), empty)
    nodes = set(viewer._server.scene._handle_from_node_name)
    assert nodes <= {"/WorldAxes"}, nodes


def test_a_notebook_shows_it_inline(browser: Any, tmp_path: Path) -> None:
    with show(ViewedScene("inline", (ball(names(3)),))) as inline:
        page = tmp_path / "notebook.html"
        page.write_text(f"<html><body>{inline._repr_html_()}</body></html>")
        context = browser.new_context()
        tab = context.new_page()
        tab.goto(page.as_uri())
        frame = tab.frame_locator("iframe")
        frame.get_by_text("points shown").wait_for()
        frame.get_by_text("3 photos").wait_for()
        context.close()
        url = inline.url
    inline.close()
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection(url.removeprefix("http://"), timeout=5).request("GET", "/")
    with pytest.raises(InputError, match="no such folder"):
        show(tmp_path / "nothing")


def test_it_works_below_a_path_of_another_server(viewer: Viewer, browser: Any) -> None:
    """As viewer.py's docstring says that a proxy is to be."""
    viewer.show(ViewedScene("below", (ball(names(3)),)))
    with reverse_proxy("/demo/viewer", viewer.port) as url:
        for address in (
            f"{url}/demo/viewer/",
            f"{url}/demo/viewer/?websocket={viewer.url.replace('http', 'ws')}",
        ):
            context = browser.new_context()
            page = context.new_page()
            page.goto(address)
            if "websocket" in address:
                # Of another origin than the viewer's own: refused.
                page.wait_for_timeout(1500)
                assert page.get_by_text("points shown").count() == 0
            else:
                page.get_by_text("points shown").wait_for()
            context.close()


@pytest.mark.parametrize(
    ("origin", "served"), [("http://evil.example", False), (None, True), ("https://hub.example.org", True)]
)
def test_pages_of_other_sites_get_nothing(origin: str | None, served: bool) -> None:
    with Viewer(port=0, origins=("https://hub.example.org",)) as viewer:
        viewer.show(ViewedScene("secret", (ball(names(3)),)))
        subprotocols = [Subprotocol(f"viser-v{version('viser')}")]
        address, asked = viewer.url.replace("http", "ws"), None if origin is None else Origin(origin)
        with connect(address, origin=asked, subprotocols=subprotocols, max_size=None) as socket:
            if served:
                assert len(socket.recv(timeout=10)) > 100
            else:
                with pytest.raises(ConnectionClosed, match="another origin"):
                    socket.recv(timeout=10)


@pytest.mark.parametrize(
    ("origin", "asked", "host", "may"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", True),
        ("http://localhost:9000", "localhost:9000", "127.0.0.1", True),
        ("http://[::1]:8080", "[::1]:8080", "::1", True),
        ("http://127.0.0.1:8888", "127.0.0.1:8080", "127.0.0.1", False),
        ("http://evil.example:8080", "evil.example:8080", "127.0.0.1", False),
        ("http://machine.lan:8080", "machine.lan:8080", "0.0.0.0", True),
        ("null", "127.0.0.1:8080", "127.0.0.1", False),
    ],
)
def test_who_may_connect(origin: str, asked: str, host: str, may: bool) -> None:
    assert may_connect(origin, asked, host, ()) is may


def test_the_command_ends_in_one_line(tmp_path: Path) -> None:
    component = ball(names(3))
    poses = list(component.cam_from_world)
    cameras = [photo.camera for photo in component.photos]
    model = model_of_photos(names(3), cameras, poses, [np.zeros((0, 2))] * 3)
    model.write_binary(str(tmp_path))
    words = [sys.executable, "-m", "dust3r_sfm.cli", "view", str(tmp_path), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        words, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as run:
        assert run.stdout is not None
        line = run.stdout.readline()
        (port,) = re.findall(r"look at http://127\.0\.0\.1:(\d+) ", line)
        http.client.HTTPConnection("127.0.0.1", int(port), timeout=5).request("GET", "/")
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert (run.returncode, out, err) == (130, "", "stopped\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "no such folder"),
        ([".", "--port", "70000"], "--port 70000: give a number from 0"),
        ([".", "--host", "192.0.2.1"], "--host 192.0.2.1: cannot be listened on"),
        ([".", "--host", "no such host"], "cannot be listened on"),
        ([".", "--queries", "nowhere.txt"], "nowhere.txt: cannot be read"),
        ([".", "--compare", "nowhere"], "nowhere: no such folder"),
        ([".", "--images", "nowhere"], "has none of the photos"),
    ],
)
def test_what_cannot_be_shown_is_said(
    words: list[str],
    message: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    component = ball(names(2))
    cameras = [photo.camera for photo in component.photos]
    model = model_of_photos(names(2), cameras, list(component.cam_from_world), [np.zeros((0, 2))] * 2)
    model.write_binary(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["view", *words]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_without_viser_the_extra_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "viser", None)
    assert main(["view", str(tmp_path)]) == 2
    assert "pip install 'dust3r-sfm[viewer]'" in capfd.readouterr().err
