"""The viewer in a real browser: what is chosen changes what is seen, and no name is more than text."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import browser, chromium
from PIL import Image
from shown_results import HEIGHT, PANEL, WIDTH, Watched, changed_share, pixels_of, watched, write_result

from dust3r_sfm.viewer import ViewedScene, Viewer, ViewerConfig, read_viewed
from dust3r_sfm.viewer.layers.cameras import camera_length, half_angles

__all__ = ["browser"]  # A fixture.


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> ViewedScene:
    scene = read_viewed(write_result(tmp_path_factory.mktemp("viewed")))
    # All pairs within a room are used.
    hall, attic = scene.components
    pairs = tuple(replace(pair, used=set(pair.photos) != {0, 2}) for pair in hall.pairs)
    return replace(scene, components=(replace(hall, pairs=pairs), attic))


@pytest.fixture(scope="module")
def viewer() -> Iterator[Viewer]:
    # Large points: there are few.
    with Viewer(port=0, config=ViewerConfig(point_size=0.05)) as viewer:
        yield viewer


@pytest.fixture
def page(browser: Any, viewer: Viewer, scene: ViewedScene) -> Iterator[Watched]:
    viewer.show(scene)
    with watched(browser, viewer.url) as page:
        page.says("points shown")
        yield page


def test_it_opens(page: Watched, scene: ViewedScene, tmp_path: Path) -> None:
    seen = page.shot(tmp_path / "opened.png")
    assert 0.02 < (seen.min(axis=-1) < 200).mean() < 0.9, "nothing is drawn, or no ground is left"
    page.says(f"4 photos, {len(scene.components[0].points):,} points")
    page.tab("Lists")
    page.says("Left out: 2 photos")
    for name, reason in scene.dropped.items():
        page.says(name)
        page.says(reason)


@pytest.mark.parametrize(
    ("label", "key"),
    [("Least confidence", "End"), ("Point size", "End"), ("Most points", "Home"), ("Camera size", "End")],
)
def test_each_slider_changes_the_picture(page: Watched, label: str, key: str, tmp_path: Path) -> None:
    before = page.shot(tmp_path / "before.png")
    page.slide(label, key)
    page.page.wait_for_timeout(400)
    assert changed_share(before, page.shot(tmp_path / "after.png")) > 0.002


def test_colours_and_lines_change_the_picture(page: Watched, tmp_path: Path) -> None:
    last = page.shot()
    for colours in ("depth", "confidence"):
        page.choose("Colours", colours)
        now = page.shot(tmp_path / f"{colours}.png")
        assert changed_share(last, now) > 0.02, colours
        last = now
    for box in ("Pairs", "Rejected pairs", "Show cameras"):
        page.check(box)
        page.page.wait_for_timeout(300)
        now = page.shot(tmp_path / f"{box}.png")
        assert changed_share(last, now) > 0.001, box
        last = now


def test_looking_through_a_camera_lays_its_photo_over(
    page: Watched, scene: ViewedScene, tmp_path: Path
) -> None:
    page.slide("Camera size", "End")
    around = page.shot(tmp_path / "around.png")
    page.tab("Photos")
    page.page.get_by_role("button", name="Look through it").click()
    half = page.shot(tmp_path / "half.png")
    assert changed_share(around, half) > 0.2
    page.slide("Photo opacity", "Home")
    bare = page.shot(tmp_path / "bare.png")
    page.slide("Photo opacity", "End")
    laid = page.shot(tmp_path / "laid.png")
    assert min(changed_share(half, bare), changed_share(half, laid), changed_share(bare, laid)) > 0.1
    # Of a room whose every pixel has depth, the points alone show nearly what the photo does: coarse means.
    picture = np.array(
        [shot[100:600, 150:430].reshape(10, 50, 10, 28, 3).mean(axis=(1, 3)) for shot in (bare, laid)]
    )
    assert np.abs(picture[0] - picture[1]).mean() < 40
    page.page.get_by_role("button", name="Back").click()
    np.testing.assert_array_equal(page.shot(tmp_path / "back.png"), around)


def test_a_click_on_a_camera_looks_through_it(
    page: Watched, viewer: Viewer, scene: ViewedScene, tmp_path: Path
) -> None:
    page.slide("Camera size", "End")
    around = page.shot(tmp_path / "cameras.png")
    side = viewer._page.sides[0]
    # viser draws frustums of one volume.
    across, up = half_angles(scene.components[0].photos[0])
    depth = 4 * camera_length(side.centres(), ViewerConfig()) / np.cbrt(across * up / 3)
    places = [centre + depth * rotation[:, 2] for rotation, centre in map(side.pose, range(4))]
    for x, y in pixels_of(viewer, np.array(places)):
        if 0 < x < WIDTH - PANEL and 0 < y < HEIGHT:
            page.click(x, y)
            break
    assert changed_share(around, page.shot(tmp_path / "looked.png")) > 0.2
    page.tab("Photos")
    assert page.chosen("Photo")[3:] in {p.name for p in scene.components[0].photos}


def test_hidden_photos_take_their_points_along(page: Watched, scene: ViewedScene, tmp_path: Path) -> None:
    points = scene.components[0].points
    page.tab("Photos")
    everything = page.shot(tmp_path / "everything.png")
    page.choose("Photo", "2: hall/1.png")
    page.page.get_by_role("button", name="Show only this photo").click()
    only = page.shot(tmp_path / "only.png")
    assert changed_share(everything, only) > 0.01
    page.tab("View")
    alone = set(points.seen_by.tolist())
    assert alone == {0, 1, 2, 3}
    seen = np.zeros(len(points), dtype=bool)
    seen[np.repeat(np.arange(len(points)), np.diff(points.seen_from))[points.seen_by == 1]] = True
    shown = int((seen | (np.diff(points.seen_from) == 0)).sum())
    assert 0 < shown < len(points)
    page.says(f"{shown:,} of {len(points):,} points shown")
    page.tab("Photos")
    page.check("Show it")
    page.page.wait_for_timeout(300)
    assert changed_share(only, page.shot(tmp_path / "none.png")) > 0.01
    page.page.get_by_role("button", name="Show all photos").click()
    np.testing.assert_array_equal(page.shot(tmp_path / "again.png"), everything)


def test_clicked_points_tell_tracks_and_distances(page: Watched, scene: ViewedScene, tmp_path: Path) -> None:
    bare = page.shot()
    drawn = np.argwhere(bare[200:500, 150:450].min(axis=-1) < 200) + [200, 150]
    y, x = drawn[len(drawn) // 2].tolist()
    page.tab("Click")
    page.choose("A click", "show the track of a point")
    page.says("Click a point")
    page.click(x, y)
    page.says("seen by")
    assert changed_share(bare, page.shot(tmp_path / "track.png")) > 0.0002
    page.choose("A click", "measure a distance")
    page.says("Click two points.")
    page.click(x, y)
    page.says("Click the second point.")
    # Elsewhere, or browsers take it for a double click.
    y, x = drawn[len(drawn) // 8].tolist()
    page.click(x, y)
    page.says("Distance")
    page.says("in a unit of its own")
    assert changed_share(bare, page.shot(tmp_path / "distance.png")) > 0.0002


def test_other_scenes_are_chosen(page: Watched, scene: ViewedScene, tmp_path: Path) -> None:
    hall = page.shot()
    page.choose("Scene", "2 (3 photos)")
    page.says(f"3 photos, {len(scene.components[1].points):,} points")
    assert changed_share(hall, page.shot(tmp_path / "attic.png")) > 0.02
    page.tab("Photos")
    assert page.chosen("Photo") == "1: attic/0.png"


def test_a_screenshot_is_saved(page: Watched, tmp_path: Path) -> None:
    page.shot()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Screenshot").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with Image.open(file) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        assert 0.02 < (np.asarray(picture).min(axis=-1) < 200).mean() < 0.9


def test_two_browsers(
    page: Watched, browser: Any, viewer: Viewer, scene: ViewedScene, tmp_path: Path
) -> None:
    # A process of its own: pages that are behind others are not drawn.
    other = browser.browser_type.launch(executable_path=chromium(), args=["--no-sandbox"])
    with watched(other, viewer.url) as second:
        second.says("points shown")
        still = second.shot()
        page.tab("Photos")
        page.page.get_by_role("button", name="Look through it").click()
        assert changed_share(still, page.shot()) > 0.2
        np.testing.assert_array_equal(second.shot(tmp_path / "second.png"), still)
        page.tab("View")
        page.slide("Point size", "End")
        second.page.wait_for_timeout(500)
        assert changed_share(still, second.shot()) > 0.01, "what is chosen is chosen for all"
    other.close()


def test_a_dropped_connection_is_taken_up_again(page: Watched, viewer: Viewer, tmp_path: Path) -> None:
    page.slide("Point size", "End")
    before = page.shot()
    viewer._server._websock_server.disconnect_all_clients()
    page.page.wait_for_timeout(2500)
    page.says("points shown")
    np.testing.assert_array_equal(page.shot(tmp_path / "again.png"), before)
    page.slide("Point size", "Home")
    page.page.wait_for_timeout(500)
    assert changed_share(before, page.shot()) > 0.002
