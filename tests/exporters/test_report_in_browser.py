"""report.html in a real browser: what it says is what report.json says, and nothing that a name holds is more
than text."""

import io
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Opened, browser, opened
from known_room import LookupRegressor, make_room
from PIL import Image

from dust3r_sfm.cli import main
from dust3r_sfm.dense.point_cloud import dense_points
from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.report import RunFacts, report_json
from dust3r_sfm.exporters.report_page import draw_scene, page_content, write_report_page
from dust3r_sfm.types import Pair, PairReport, Reconstruction, Scene, Tracks

__all__ = ["browser"]  # A fixture.

ROOMS = (("hall", 1, 4), ("attic", 2, 3))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two rooms that share nothing, a photo of neither, and a torn file."""
    folder = tmp_path_factory.mktemp("report")
    rooms = tuple(make_room(*room) for room in ROOMS)
    for room in rooms:
        room.write(folder / "photos")
    Image.fromarray(noise()).save(folder / "photos" / "nowhere.png")
    (folder / "photos" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dust3r_sfm.pipeline.job.build_regressor", lambda config: LookupRegressor(rooms))
        assert main(words(folder)) == 0
    return folder / "out"


def words(folder: Path) -> list[str]:
    return ["reconstruct", str(folder / "photos"), str(folder / "out"), "--regressor", "stereo", "--quiet"]


def noise() -> np.ndarray:
    return np.random.default_rng(9).integers(0, 256, (72, 96, 3), np.uint8)


@pytest.fixture
def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


def shot(page: Opened, selector: str = "#canvas") -> np.ndarray:
    page.page.wait_for_timeout(150)
    return np.asarray(Image.open(io.BytesIO(page.page.locator(selector).screenshot())).convert("RGB"))


def changed_share(before: np.ndarray, after: np.ndarray) -> float:
    return float((before != after).any(axis=-1).mean())


def plain(text: str) -> str:
    """Without the narrow blanks between thousands."""
    return text.replace("\u202f", "")


def test_words_and_figures_are_the_report_s(browser: Any, out: Path, report: dict[str, Any]) -> None:
    totals, run = report["totals"], report["run"]
    assert (totals["images"], totals["images_posed"], totals["scenes"]) == (9, 7, 2)
    with opened(browser, out / "report.html") as page:
        tiles = dict(zip(page.texts("#totals dt"), page.texts("#totals dd"), strict=True))
        assert (tiles["Photos placed"], tiles["Scenes"]) == ("7 of 9", "2")
        assert plain(tiles["Points of the model"]) == str(sum(s["points"] for s in report["scenes"]))
        assert tiles["Reprojection error"] == f"{report['scenes'][0]['mean_reprojection_error_px']:.2f} px"
        verdicts = page.texts("#verdict .callout")
        for number, (said, scene) in enumerate(zip(verdicts, report["scenes"], strict=True)):
            assert said.lower().startswith(
                f"scene {number + 1} ({scene['images']} photos): {scene['verdict']}"
            )
            assert scene["verdict_reason"] in said
        assert page.texts("#times .time span:first-child") == list(run["stage_seconds"])
        facts = dict(zip(page.texts("#facts dt"), page.texts("#facts dd"), strict=True))
        assert facts["Regressor"] == "lookup"
        assert plain(facts["Most memory"]) == f"{run['peak_memory_mib']:.0f} MiB"
        assert {name: facts[name] for name in run["versions"]} == run["versions"]
        assert page.texts("#command") == [run["command"]]
    assert shlex.split(run["command"]) == ["dust3r-sfm", *words(out.parent)]


def test_each_photo_is_a_camera_or_left_out_with_a_reason(
    browser: Any, out: Path, report: dict[str, Any]
) -> None:
    placed = [image for image in report["images"] if image["scene"] is not None]
    left = [image for image in report["images"] if image["scene"] is None]
    assert {image["name"] for image in left} == {"nowhere.png", "torn.jpg"}
    with opened(browser, out / "report.html") as page:
        rows = [row.split("\n") for row in page.page.locator("#cameras tbody tr").evaluate_all(CELLS)]
        for row, image in zip(rows, placed, strict=True):
            assert row[1:3] == [image["name"], str(image["scene"] + 1)]
            assert row[3] == f"{image['focal_px'][0]:.1f}"
            assert plain(row[4]) == str(image["observations"])
            assert row[5] == f"{image['mean_reprojection_error_px']:.2f}"
            assert row[6] == str(image["witnesses"])
            assert row[7] == f"{100 * image['agreeing_share']:.0f} %"
            assert float(row[8]) == pytest.approx(image["rotation_std_deg"], rel=0.05)
            assert float(row[9]) == pytest.approx(image["centre_std"], rel=0.05)
            assert row[11] == f"{100 * image['confident_depth_share']:.0f} %"
        lost = [row.split("\n") for row in page.page.locator("#left-out tbody tr").evaluate_all(CELLS)]
        assert [row[:2] for row in lost] == [[image["name"], image["reason"]] for image in left]
        assert all(row[2] for row in lost), "what may help"
        # The one that could be read is shown.
        assert page.page.locator("#left-out img").count() == 1
        assert page.page.locator("#gallery img").count() == 3 * len(placed)
        assert page.page.evaluate("[...document.images].every((image) => image.naturalWidth > 0)")


CELLS = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent).join('\\n'))"


def test_pairs_and_residuals_are_drawn(browser: Any, out: Path, report: dict[str, Any]) -> None:
    used: dict[frozenset[str], bool] = {}
    for pair in report["pairs"]:
        used[frozenset(pair["images"])] = pair["used"] or used.get(frozenset(pair["images"]), False)
    with opened(browser, out / "report.html") as page:
        assert page.page.locator("#graph line.used").count() == sum(used.values()) > 5
        assert page.page.locator("#graph line.rejected").count() == len(used) - sum(used.values()) > 5
        assert page.page.locator("#graph circle").count() == 9
        assert page.page.locator("#graph circle.lost").count() == 2
        assert page.texts("#graph text.group") == ["Scene 1", "Scene 2", "Left out"]
        said = page.texts("#pairs-summary")[0]
        assert f"{report['totals']['pairs_used']} of {report['totals']['pairs']} measurements" in said
        seen = shot(page, "#graph")
        page.page.uncheck("#show-rejected")
        assert changed_share(seen, shot(page, "#graph")) > 0.001
        bars = page.page.locator("#histograms figure").nth(0).locator("rect title").all_text_contents()
        counted = sum(int(plain(bar.split(": ")[1]).split()[0]) for bar in bars)
        assert counted == report["scenes"][0]["observations"]


def test_the_view_is_drawn_and_turns(browser: Any, out: Path) -> None:
    with opened(browser, out / "report.html") as page:
        seen = shot(page)
        mouse, box = page.page.mouse, page.page.locator("#canvas").bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        ground = np.broadcast_to(seen[20, 20], seen.shape)
        assert 0.05 < changed_share(ground, seen) < 0.95, "nothing is drawn, or no ground is left"
        mouse.move(*middle)
        mouse.down()
        mouse.move(middle[0] + 120, middle[1] + 30, steps=4)
        mouse.up()
        turned = shot(page)
        assert changed_share(seen, turned) > 0.02
        mouse.wheel(0, -400)
        nearer = shot(page)
        assert changed_share(turned, nearer) > 0.02
        page.page.keyboard.down("Shift")
        mouse.down()
        mouse.move(middle[0] - 60, middle[1], steps=4)
        mouse.up()
        page.page.keyboard.up("Shift")
        moved = shot(page)
        assert changed_share(nearer, moved) > 0.02
        page.page.focus("#canvas")
        page.page.keyboard.press("ArrowLeft")
        assert changed_share(moved, shot(page)) > 0.02
        page.page.click("#whole-view")
        np.testing.assert_array_equal(shot(page), seen)
        assert page.texts("#scene-choice button") == ["Scene 1 (4 photos)", "Scene 2 (3 photos)"]
        page.page.click("#scene-choice button >> nth=1")
        assert changed_share(seen, shot(page)) > 0.02


def test_sliders_change_the_view(browser: Any, out: Path) -> None:
    with opened(browser, out / "report.html") as page:
        for slider, values in (("#point-size", ("0.4", "5")), ("#camera-size", ("0", "4"))):
            shots = []
            for value in values:
                page.page.fill(slider, value)
                shots.append(shot(page))
            assert changed_share(*shots) > 0.002, slider


def test_fingers_pinch(browser: Any, out: Path) -> None:
    with opened(browser, out / "report.html") as page:
        seen = shot(page)
        page.page.evaluate(PINCH)
        assert changed_share(seen, shot(page)) > 0.02


PINCH = """() => {
  const canvas = document.getElementById("canvas"), box = canvas.getBoundingClientRect();
  canvas.setPointerCapture = () => {};
  const touch = (type, pointerId, x) => canvas.dispatchEvent(new PointerEvent(type,
    { pointerId, pointerType: "touch", clientX: box.left + x, clientY: box.top + 100, buttons: 1 }));
  touch("pointerdown", 11, 200); touch("pointerdown", 12, 260);
  for (const x of [280, 320, 380]) touch("pointermove", 12, x);
  touch("pointerup", 11, 200); touch("pointerup", 12, 380);
}"""


def test_choosing_a_photo_shows_it(browser: Any, out: Path, report: dict[str, Any]) -> None:
    with opened(browser, out / "report.html") as page:
        page.page.click("#cameras tbody tr >> nth=5")
        image = report["images"][5]
        assert page.texts("#selected h3") == [image["name"]]
        assert page.page.locator("#selected img").count() == 3
        page.page.click("#selected summary")
        shown = [float(text) for text in page.texts("#selected td")]
        np.testing.assert_allclose(shown, image["covariance"], rtol=0.01)
        assert page.page.locator("#scene-choice button[aria-pressed=true]").get_attribute("data-scene") == "1"
        assert page.page.locator("#graph circle.chosen").get_attribute("data-photo") == "5"
        page.page.click("#selected .close")
        assert page.page.locator("#selected").is_hidden()
        assert page.page.locator(".chosen").count() == 0


def test_a_click_on_a_pyramid_shows_its_photo(browser: Any, out: Path, report: dict[str, Any]) -> None:
    with opened(browser, out / "report.html") as page:
        page.page.fill("#point-size", "0.4")
        page.page.fill("#camera-size", "0.4")
        off = np.abs(shot(page).astype(int) - [194, 65, 12]).sum(
            axis=-1
        )  # The light style's colour of cameras.
        y, x = np.unravel_index(off.argmin(), off.shape)
        assert off[y, x] < 60
        page.page.click("#canvas", position={"x": int(x), "y": int(y)})
        (name,) = page.texts("#selected h3")
        assert name in {image["name"] for image in report["images"] if image["scene"] == 0}


def test_cameras_are_sorted_by_a_heading(browser: Any, out: Path, report: dict[str, Any]) -> None:
    errors = sorted(i["mean_reprojection_error_px"] for i in report["images"] if i["scene"] is not None)
    with opened(browser, out / "report.html") as page:
        for order in (errors, errors[::-1]):
            page.page.click("#cameras th >> text=Error px")
            assert page.texts("#cameras tbody td:nth-child(6)") == [f"{error:.2f}" for error in order]


@pytest.mark.parametrize("width", [400, 1200])
def test_light_and_dark_fit_the_window(browser: Any, out: Path, width: int) -> None:
    ground = {}
    for scheme in ("light", "dark"):
        with opened(browser, out / "report.html", scheme, width) as page:
            assert page.page.evaluate("document.documentElement.scrollWidth") == width
            ground[scheme] = shot(page)[0, 0].mean(), shot(page, "body")[0, 0].mean()
    assert min(ground["light"]) > 200
    assert max(ground["dark"]) < 40


HOSTILE = (
    "<script>window.pwned = 1</script>.jpg",
    '"><img src=x onerror="window.pwned = 1">.jpg',
    "</script><script>window.pwned = 1</script>",
    "a\x1b[31m\n\x07b.jpg",
    "\u202egpj.exe",
    "&lt;b&gt;&amp;'`${window.pwned = 1}`",
    "__proto__",
    "bytes \udcff\udc80.jpg",
    "x" * 250 + ".jpg",
    "javascript:window.pwned=1//@DATA@",
)
WRITTEN = {
    3: "a\\u001b[31m\\u000a\\u0007b.jpg",
    4: "\\u202egpj.exe",
    7: "bytes \\udcff\\udc80.jpg",
}


def test_no_name_is_more_than_text(browser: Any, scene: Scene, tmp_path: Path) -> None:
    config = ReportPageConfig()
    views = tuple(replace(view, name=name) for view, name in zip(scene.views, HOSTILE, strict=True))
    pairs = tuple(
        PairReport(Pair(0, j), j % 2 == 0, scene.report.pairs[0].geometry, 50, 0.5, HOSTILE[j])
        for j in range(1, 10)
    )
    told = replace(scene.report, pairs=pairs, verdict_reason=HOSTILE[0], world=HOSTILE[1])
    hostile = replace(scene, views=views, report=told)
    dropped = {f"lost {name}": name for name in HOSTILE}
    reconstruction = Reconstruction((hostile,), dropped)
    facts = RunFacts(
        list(HOSTILE), {"constructor": HOSTILE[2]}, HOSTILE[1], {HOSTILE[0]: 1.0}, command=HOSTILE[2]
    )
    report = report_json(reconstruction, facts)
    drawn = [draw_scene(hostile, dense_points(hostile, 2000), config.max_points, config)]
    write_report_page(page_content(report, reconstruction, drawn, views, config), tmp_path / "a <b>.html")
    with opened(browser, tmp_path / "a <b>.html", width=400) as page:
        assert page.page.evaluate("document.documentElement.scrollWidth") == 400
        shown = [WRITTEN.get(index, name) for index, name in enumerate(HOSTILE)]
        assert page.texts("#cameras td.name") == shown
        assert page.texts("#left-out td.name") == ["constructor", *(f"lost {name}" for name in shown)]
        assert page.texts("#command") == [HOSTILE[2]]
        for number in range(10):
            page.page.locator("#cameras tbody tr").nth(number).click()
            assert page.texts("#selected h3") == [shown[number]]
        assert page.page.evaluate("window.pwned") is None
        assert page.page.locator("script").count() == 2
        assert page.page.evaluate(
            "[...document.images].every((image) => image.src.startsWith('data:image/jpeg'))"
        )


def test_many_photos_are_drawn_where_they_were_taken(browser: Any, scene: Scene, tmp_path: Path) -> None:
    """In the graph, seen from above: the farther to the right of the first camera, the more to the right."""
    config, count = ReportPageConfig(), 150
    poses = np.tile(scene.cam_from_world[0], (count, 1, 1))
    poses[:, :3, :3] = np.eye(3)
    poses[:, :3, 3] = -np.stack(
        [np.linspace(0, 30, count), np.zeros(count), np.linspace(0, 3, count)], axis=1
    )
    many = replace(
        scene,
        views=tuple(replace(scene.views[0], name=f"{index}.jpg") for index in range(count)),
        cameras=(scene.cameras[0],) * count,
        cam_from_world=poses,
        depth=(scene.depth[0],) * count,
        confidence=(scene.confidence[0],) * count,
        tracks=Tracks.empty(),
        report=replace(scene.report, pairs=()),
    )
    reconstruction = Reconstruction((many,), {})
    drawn = [draw_scene(many, dense_points(many, 2000), config.max_points, config)]
    report = report_json(reconstruction, RunFacts([view.name for view in many.views]))
    write_report_page(page_content(report, reconstruction, drawn, many.views, config), tmp_path / "many.html")
    with opened(browser, tmp_path / "many.html") as page:
        assert "seen from above" in page.texts("#pairs-summary")[0]
        at = page.page.evaluate(
            "[...document.querySelectorAll('circle')].map((c) => [c.cx.baseVal.value, c.cy.baseVal.value])"
        )
        across, down = (np.array(at) - at[0]).T
        np.testing.assert_allclose(across, np.linspace(0, across[-1], count), atol=0.1)
        np.testing.assert_allclose(down, -0.1 * across, atol=0.1)
        assert 900 < across[-1] < 1200
