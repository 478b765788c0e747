"""What goes into report.html, before any browser looks at it."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.report import ONLY_TURNED
from dust3r_sfm.dense.point_cloud import PointCloud, dense_points
from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.report import RunFacts, report_json
from dust3r_sfm.exporters.report_page import draw_scene, page_content
from dust3r_sfm.exporters.report_page.advice import advice_for
from dust3r_sfm.exporters.report_page.page import page_html
from dust3r_sfm.exporters.report_page.pair_columns import pair_columns
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.types import Pair, PairGeometry, PairReport, Reconstruction, Scene, Tracks, View

CONFIG = ReportPageConfig()


def page_of(
    scene: Scene, dropped: dict[str, str] | None = None, skipped: dict[str, str] | None = None
) -> str:
    reconstruction = Reconstruction((scene,), dropped or {})
    facts = RunFacts([view.name for view in scene.views], skipped or {})
    drawn = [draw_scene(scene, dense_points(scene, 5000), CONFIG.max_points, CONFIG)]
    report = report_json(reconstruction, facts)
    return page_html(page_content(report, reconstruction, drawn, scene.views, CONFIG))


def data_of(page: str) -> dict:
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    return json.loads(block[1])


def positions(drawn) -> np.ndarray:
    return (drawn.points / 32767.5 - 1.0) * drawn.span


def cloud_of(xyz: np.ndarray) -> PointCloud:
    rgb = np.arange(3 * len(xyz)).reshape(-1, 3).astype(np.uint8)
    return PointCloud(xyz.astype(float), rgb, np.full(len(xyz), 2.0))


def test_points_and_cameras_keep_their_shape_in_the_page(scene: Scene) -> None:
    """All distances between points and cameras have one ratio, to what 16 bits resolve."""
    cloud = cloud_of(np.random.default_rng(0).uniform(-1, 1, (50, 3)))
    drawn = draw_scene(scene, cloud, 50, CONFIG)
    world = np.concatenate([cloud.xyz, invert_rigid(scene.cam_from_world)[:, :3, 3]])
    page = np.concatenate([positions(drawn), drawn.cameras[:, 0]])
    i, j = np.triu_indices(len(world), 1)
    there, here = (np.linalg.norm(x[i] - x[j], axis=1) for x in (world, page))
    ratio = np.median(here / there)
    np.testing.assert_allclose(here, ratio * there, atol=3 * drawn.span / 65535)
    np.testing.assert_array_equal(drawn.colors, cloud.rgb)
    assert drawn.cloud_points == 50


def test_what_cameras_take_for_up_is_up(scene: Scene) -> None:
    """A point above all cameras (their y points down) has the largest y of the page; one before them the
    least z."""
    centre = np.array([0.0, 0.0, 0.0])
    xyz = np.array([centre, centre + [0, -1, 0], centre + [0, 0, 1], centre + [1, 0, 0]])
    drawn = draw_scene(scene, cloud_of(xyz), 4, CONFIG)
    away = positions(drawn)[1:] - positions(drawn)[0]
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    assert away[0, 1] > 0.9
    assert away[1, 2] < -0.9
    assert away[2, 0] > 0.9


def test_thinning_is_the_same_each_time_and_within_the_budget(scene: Scene) -> None:
    cloud = cloud_of(np.random.default_rng(0).uniform(-1, 1, (500, 3)))
    first, second = (draw_scene(scene, cloud, 100, CONFIG) for _ in range(2))
    assert len(first.points) == 100
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.colors, second.colors)


def test_a_point_far_away_does_not_make_all_others_one(scene: Scene) -> None:
    xyz = np.random.default_rng(0).uniform(-1, 1, (100, 3))
    xyz[0], xyz[1] = [1e7, 0, 0], [np.nan, 0, 0]
    drawn = draw_scene(scene, cloud_of(xyz), 100, CONFIG)
    assert len(drawn.points) == 98
    assert len(np.unique(drawn.points[:, 0])) == 98


def test_errors_are_counted_once_each(scene: Scene) -> None:
    errors = draw_scene(scene, cloud_of(np.zeros((1, 3))), 1, CONFIG).errors
    assert sum(errors.counts) == len(scene.tracks.view_index)
    assert len(errors.edges) == len(errors.counts) + 1


def test_scenes_that_lack_nearly_everything_have_a_page(scene: Scene) -> None:
    unknown = tuple(np.zeros_like(depth) for depth in scene.depth)
    behind = replace(scene.tracks, xyz=scene.tracks.xyz - [0, 0, 100])
    together = np.broadcast_to(scene.cam_from_world[0], scene.cam_from_world.shape)
    facing = scene.cam_from_world.copy()
    facing[1::2] = np.diag([-1.0, 1.0, -1.0, 1.0]) @ facing[0]
    facing[::2] = facing[0]
    for poor in (
        replace(scene, depth=unknown),
        replace(scene, tracks=Tracks.empty()),
        replace(scene, tracks=behind),
        replace(scene, cam_from_world=together),
        replace(scene, cam_from_world=facing),
        replace(scene, depth=unknown, tracks=Tracks.empty(), cam_from_world=together),
    ):
        page = data_of(page_of(poor))
        assert np.isfinite(page["scenes"][0]["cameras"]).all()
        assert len(page["scenes"][0]["cameras"]) == len(scene.views)


def test_the_page_holds_what_the_report_says(scene: Scene) -> None:
    skipped = {"torn.jpg": "cannot be decoded: truncated"}
    page = data_of(page_of(scene, {"lost.jpg": ONLY_TURNED}, skipped))
    facts = RunFacts([view.name for view in scene.views], skipped)
    report = report_json(Reconstruction((scene,), {"lost.jpg": ONLY_TURNED}), facts)
    pairs = report.pop("pairs")
    assert page["report"] == report
    names = [image["name"] for image in report["images"]]
    columns = page["pairs"]
    assert [[names[i], names[j]] for i, j in zip(columns["first"], columns["second"], strict=True)] == [
        pair["images"] for pair in pairs
    ]
    assert columns["used"] == [1, 0]
    assert [columns["reasons"][k] for k in columns["reason"] if k is not None] == [pairs[1]["reason"]]
    assert [advice is not None for advice in page["advice"]] == [
        name in ("torn.jpg", "lost.jpg") for name in names
    ]
    for name, pictures in zip(names, page["pictures"], strict=True):
        assert (pictures is None) == (name in ("torn.jpg", "lost.jpg"))


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "@DATA@@SCRIPT@",
    "&lt;b&gt;",
    "\u2028\udc80",
)


def test_no_name_ends_the_data(scene: Scene) -> None:
    views = (
        *(replace(view, name=name) for view, name in zip(scene.views, HOSTILE, strict=False)),
        *scene.views[5:],
    )
    page = page_of(replace(scene, views=views), {"<img src=x>": "</script>"}, {})
    assert "alert(1)</script>" not in page
    assert page.count("<script") == page.count("</script>") == 2
    assert "<!--" not in page
    assert [image["name"] for image in data_of(page)["report"]["images"]][:5] == list(HOSTILE)


def test_the_page_names_nothing_elsewhere(scene: Scene) -> None:
    page = page_of(scene)
    markup = page[: page.index('<script type="application/json"')]
    assert "default-src 'none'" in markup
    found = re.findall(r"https?://[^\s\"'`)]+", page)
    assert set(found) <= {"http://www.w3.org/2000/svg"}
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', markup) == []


def large_scene(scene: Scene, count: int) -> Scene:
    """Photos of noise, which no format makes small, and 16 directed pairs of each."""
    rng = np.random.default_rng(0)
    image, depth = rng.integers(0, 256, (384, 512, 3), np.uint8), rng.uniform(1, 9, (384, 512))
    view = View("", image, np.eye(3), (512, 384))
    pairs = tuple(
        PairReport(Pair(i, (i + step) % count), step < 6, PairGeometry.GENERAL, 200 + step, 0.123456, None)
        for i in range(count)
        for step in (*range(1, 9), *range(count - 8, count))
    )
    return replace(
        scene,
        views=tuple(replace(view, name=f"a folder of photos/{index:06}.jpg") for index in range(count)),
        cameras=(replace(scene.cameras[0]),) * count,
        cam_from_world=np.tile(scene.cam_from_world[:1], (count, 1, 1)),
        depth=(depth,) * count,
        confidence=(rng.uniform(1, 9, (384, 512)),) * count,
        tracks=Tracks.empty(),
        report=replace(scene.report, pairs=pairs),
    )


def test_a_thousand_photos_stay_below_15_mb(scene: Scene) -> None:
    large = large_scene(scene, 1000)
    cloud = cloud_of(np.random.default_rng(0).uniform(-1, 1, (400_000, 3)))
    drawn = [draw_scene(large, cloud, CONFIG.max_points, CONFIG)]
    reconstruction = Reconstruction((large,), {})
    report = report_json(reconstruction, RunFacts([view.name for view in large.views]))
    content = page_content(report, reconstruction, drawn, large.views, CONFIG)
    assert len(page_html(content)) < 15_000_000
    shown = np.flatnonzero([pictures is not None for pictures in content.pictures])
    assert len(shown) > 250
    assert np.diff(shown).max() < 10, "photos with pictures are spread over the set"


def test_of_too_many_pairs_the_unused_ones_stay_away() -> None:
    pairs = [
        {
            "images": ["a", "b"],
            "used": used,
            "geometry": "general",
            "correspondences": n,
            "median_residual_px": None,
            "reason": None,
        }
        for used, n in ((False, 10), (True, 5), (False, 20))
    ]
    columns = pair_columns(pairs, ["a", "b"], 2)
    assert (columns.used, columns.matches, columns.left_off) == ((1, 0), (5, 20), 1)


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (ONLY_TURNED, "Step aside"),
        ("none of its 5 pairs could be used: the two images show nothing in common", "in between"),
        ("its EXIF orientation 2 is mirrored, which no camera sees; save it unmirrored", "unmirrored"),
        ("nothing checks the one pair that places it", "third photo"),
        ("nothing checks the one pair that places it, and nothing tells its focal (give --focal)", "--focal"),
        ("the mask leaves nothing of it", "must NOT"),
        ("the file is empty (0 bytes)", "damaged"),
        ("something that nobody thought of", "overlap it by half"),
    ],
)
def test_what_may_help_depends_on_the_reason(reason: str, says: str) -> None:
    assert says in advice_for(reason)
