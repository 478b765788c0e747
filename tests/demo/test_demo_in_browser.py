"""The demo as people use it, in a real browser."""

import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pycolmap
import pytest
import trimesh
from browser import browser
from PIL import Image
from running_demo import Running, running
from tunnel import Tunnel

from dust3r_sfm.synthetic.example import write_example

__all__ = ["browser"]  # A fixture.

COUNT = 4
LONG_S = 240_000
"""Milliseconds: other tests may use the machine too."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    example = write_example(tmp_path_factory.mktemp("example"), count=COUNT, width=256, height=192)
    hostile = example.images / "<img src=x onerror=alert(1)>.jpg"
    (example.images / "00.jpg").rename(hostile)
    return sorted(example.images.iterdir())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("demo"), max_file_bytes=3_000_000) as found:
        yield found


@contextmanager
def page_of(browser: Any, demo: Running, scheme: str = "light") -> Iterator[Any]:
    """Complaints of the page, dialogs and requests to anybody else are errors."""
    from playwright.sync_api import expect

    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page, wrong = context.new_page(), []
    own = urlsplit(demo.address).netloc

    def look(url: str) -> None:
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != own:
            wrong.append(f"asked {url}")

    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: look(request.url))
    page.on("websocket", lambda socket: look(socket.url))
    page.goto(demo.address)
    expect(page.locator("#files")).to_be_enabled(timeout=30_000)
    yield page
    context.close()
    assert wrong == []


def upload(page: Any, photos: list[Path], says: str | None = None) -> None:
    from playwright.sync_api import expect

    page.set_input_files("#files", [str(path) for path in photos])
    expect(page.locator("#uploaded")).to_have_text(says or f"{len(photos)} photos", timeout=30_000)


@pytest.fixture(scope="module")
def done(browser: Any, demo: Running, photos: list[Path]) -> Iterator[Any]:
    """A page with a result."""
    with page_of(browser, demo) as page:
        upload(page, photos)
        page.click("#run")
        page.locator("#result:not([hidden])").wait_for(timeout=LONG_S)
        yield page


def test_fields_appear_as_they_apply(browser: Any, demo: Running) -> None:
    with page_of(browser, demo) as page:
        shown = {
            "auto": (False, False, False),
            "swin": (True, False, False),
            "logwin": (True, False, False),
            "oneref": (False, True, False),
            "retrieval": (False, False, True),
        }
        for pairs, fields in shown.items():
            page.select_option("[name=pairs]", pairs)
            names = ("window", "reference", "neighbours")
            assert tuple(page.locator(f"[name={name}]").is_visible() for name in names) == fields
        assert page.locator("[name=regressor]").input_value() == "stereo"
        assert page.locator("#run").is_disabled()


def test_a_run_ends_in_a_result(done: Any, demo: Running) -> None:
    assert done.locator("#status").inner_text() == "Done"
    assert f"{COUNT} of {COUNT} images registered" in done.locator("#summary").inner_text()
    assert "Dense stereo" in done.locator("#stages").inner_text()
    pictures = done.locator("#gallery img")
    assert pictures.count() == 3 * COUNT
    for index in range(3 * COUNT):
        pictures.nth(index).scroll_into_view_if_needed()
    done.wait_for_timeout(1000)
    sizes = pictures.evaluate_all("images => images.map(image => image.naturalWidth)")
    assert min(sizes) >= 256
    assert "<img src=x onerror=alert(1)>.jpg" in done.locator("#gallery").inner_text()


def test_the_result_in_3d(done: Any, tmp_path: Path) -> None:
    done.locator("#show-viewer[aria-pressed=true]").wait_for(timeout=90_000)
    frame = done.frame_locator("#frame")
    frame.locator("canvas").first.wait_for(timeout=60_000)
    done.wait_for_timeout(8000)
    done.locator("#frame").screenshot(path=tmp_path / "viewer.png")
    picture = np.asarray(Image.open(tmp_path / "viewer.png").convert("RGB").resize((100, 80)))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500, "more than a blank page"


def test_the_report_in_a_frame_without_an_origin(done: Any) -> None:
    done.click("#show-report")
    frame = done.frame_locator("#frame")
    frame.locator("h1").wait_for(timeout=30_000)
    assert frame.locator("h1").inner_text() == "Reconstruction report"
    assert done.locator("#frame").get_attribute("sandbox") == "allow-scripts"


@pytest.mark.parametrize("name", ["colmap.zip", "nerfstudio.zip", "scene.glb", "points.ply"])
def test_downloads_open(done: Any, tmp_path: Path, name: str) -> None:
    done.locator("#confidence").fill("2")
    with done.expect_download(timeout=LONG_S) as started:
        done.locator(f"#downloads a[download='{name}']").click()
    file = tmp_path / name
    started.value.save_as(file)
    assert started.value.suggested_filename == name
    if name.endswith(".zip"):
        shutil.unpack_archive(file, tmp_path / "unpacked")
        model = pycolmap.Reconstruction(tmp_path / "unpacked" / "sparse" / "0")
        assert model.num_reg_images() == COUNT
        images = {path.name for path in (tmp_path / "unpacked" / "images").iterdir()}
        assert images == {image.name for image in model.images.values()}
        with zipfile.ZipFile(file) as archive:
            assert ("transforms.json" in archive.namelist()) == (name == "nerfstudio.zip")
    else:
        opened = trimesh.load(file)
        clouds = [opened] if name == "points.ply" else list(opened.geometry.values())
        assert sum(len(cloud.vertices) for cloud in clouds) > 1000
        assert all(np.isfinite(cloud.vertices).all() for cloud in clouds)


def test_a_page_that_is_loaded_again_goes_on(done: Any) -> None:
    done.reload()
    done.locator("#result:not([hidden])").wait_for(timeout=30_000)
    assert done.locator("#uploaded").inner_text() == f"{COUNT} photos"


def test_two_browsers_at_once_and_stop(browser: Any, demo: Running, photos: list[Path]) -> None:
    from playwright.sync_api import expect

    with page_of(browser, demo) as first, page_of(browser, demo, "dark") as second:
        upload(first, photos)
        assert second.locator("#uploaded").inner_text().startswith("Nothing is here yet")
        upload(second, photos[:3])
        first.click("#run")
        expect(first.locator("#stop")).to_be_visible(timeout=10_000)
        second.click("#run")
        expect(second.locator("#status")).to_have_text("In the queue: 1 before this one", timeout=10_000)
        expect(first.locator("#stages")).to_contain_text("Reading photos", timeout=60_000)
        begin = time.monotonic()
        first.click("#stop")
        expect(first.locator("#status")).to_have_text("Stopped; nothing of it is kept", timeout=2000)
        assert time.monotonic() - begin < 2.0
        expect(second.locator("#stages")).to_contain_text("Reading photos", timeout=60_000)
        second.click("#stop")
        expect(second.locator("#status")).to_have_text("Stopped; nothing of it is kept", timeout=2000)
        assert demo.children("reconstruct") == []
        expect(first.locator("#run")).to_be_enabled()


def test_a_lost_connection_is_told_and_found_again(browser: Any, demo: Running, photos: list[Path]) -> None:
    from playwright.sync_api import expect

    tunnel = Tunnel(demo.address)
    with page_of_refusals(browser, tunnel.address) as page:
        upload(page, photos)
        page.click("#run")
        expect(page.locator("#stages")).to_contain_text("Starting", timeout=60_000)
        with demo.paused():
            tunnel.cut()
            expect(page.locator("#status")).to_contain_text(
                "connection to the server is lost", timeout=10_000
            )
            tunnel.mend()
            expect(page.locator("#status")).not_to_contain_text("lost", timeout=20_000)
            expect(page.locator("#uploaded")).to_have_text(f"{COUNT} photos")
        page.click("#stop")
        expect(page.locator("#status")).to_have_text("Stopped; nothing of it is kept", timeout=2000)
        # What the server has forgotten meanwhile is told too.
        job = page.evaluate("sessionStorage.getItem('job')")
        assert demo.ask("DELETE", f"/api/jobs/{job}")[0] == 204
        tunnel.cut()
        tunnel.mend()
        expect(page.locator("#problem")).to_contain_text("is gone", timeout=20_000)
    tunnel.close()


def test_bad_uploads_get_a_message(browser: Any, demo: Running, photos: list[Path], tmp_path: Path) -> None:
    from playwright.sync_api import expect

    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "fake.jpg").write_text("no picture")
    (tmp_path / "large.jpg").write_bytes(bytes(4_000_000))
    bad = [tmp_path / name for name in ("notes.txt", "fake.jpg", "large.jpg")]
    with page_of_refusals(browser, demo.address) as page:
        page.set_input_files("#files", [str(path) for path in [*bad, photos[0]]])
        expect(page.locator("#uploaded")).to_have_text("1 photo", timeout=30_000)
        expect(page.locator("#refused li")).to_have_count(3)
        said = page.locator("#refused").inner_text()
        assert "notes.txt: is neither a photo" in said
        assert "fake.jpg: is called a photo and holds no picture" in said
        assert "large.jpg: is larger than 3 MB" in said
        page.click("#run")
        expect(page.locator("#problem")).to_have_text("give two photos or more, or a video")
        page.click("#clear")
        expect(page.locator("#uploaded")).to_contain_text("Nothing is here yet")


@contextmanager
def page_of_refusals(browser: Any, address: str) -> Iterator[Any]:
    """As `page_of`; browsers themselves note every answer of 400 as an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.locator("#files:enabled").wait_for(state="attached", timeout=30_000)
    yield page
    context.close()
    assert wrong == []


def test_another_site_gets_nothing(browser: Any, demo: Running, tmp_path: Path) -> None:
    """A page of another origin, open in the same browser, may neither ask nor show the demo."""
    (tmp_path / "evil.html").write_text(
        f"<iframe src='{demo.address}'></iframe><script>"
        f"fetch('{demo.address}api/jobs', {{method: 'POST', mode: 'no-cors'}})"
        f".finally(() => document.title = 'asked')</script>"
    )
    before = len(list(demo.parent.glob("*/*")))
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "evil.html").as_uri())
    page.wait_for_timeout(2000)
    assert page.title() == "asked"
    assert page.frames[-1].url.startswith("chrome-error") or page.frames[-1].locator("#form").count() == 0
    context.close()
    assert len(list(demo.parent.glob("*/*"))) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable(browser: Any, demo: Running, scheme: str) -> None:
    """Text and what is behind it differ enough (WCAG AA: 4.5 to 1)."""
    with page_of(browser, demo, scheme) as page:
        for selector in ("body", ".quiet", "legend", "#run", ".button"):
            colors = page.locator(selector).first.evaluate(
                "element => { let behind = element; "
                "while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') "
                "behind = behind.parentElement; "
                "return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]; }"
            )
            assert _contrast(*colors) > 4.5, (selector, colors)


def _contrast(first: str, second: str) -> float:
    light = sorted(_luminance(color) for color in (first, second))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(color: str) -> float:
    values = np.array([float(v) for v in color[color.index("(") + 1 : -1].split(",")[:3]]) / 255
    linear = np.where(values <= 0.03928, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
