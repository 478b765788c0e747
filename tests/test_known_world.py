"""Which size and place a finished scene gets, and what is refused before it is made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from known_room import LookupRegressor

from dust3r_sfm.errors import InputError
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.pipeline.known.config import KnownDistance, KnownWorld
from dust3r_sfm.pipeline.known.world import georegistration_of_views, gps_positions, read_positions
from dust3r_sfm.types import AlignmentReport, Camera, Scene, Tracks, View


def view(name: str, position: tuple[float, float, float | None] | None = None) -> View:
    return View(name, np.zeros((4, 4, 3), np.uint8), np.eye(3), (4, 4), exif_position=position)


VIEWS = tuple(view(name) for name in ("a.jpg", "b c.jpg", "d.jpg", "e.jpg"))


def scene(pair_unit: float | None = None) -> Scene:
    """Cameras at 0, 1, 2, 3 along x."""
    poses = np.stack([np.eye(4)] * 4)
    poses[:, 0, 3] = -np.arange(4.0)
    depth = np.full((4, 4), 2.0, np.float32)
    return Scene(
        VIEWS,
        (Camera.pinhole(4, 4, 4.0, 4.0, 2.0, 2.0),) * 4,
        poses,
        (depth,) * 4,
        (depth,) * 4,
        Tracks.empty(),
        AlignmentReport((), "not run", pair_unit=pair_unit),
    )


def place(known: KnownWorld, metric: bool = False, poses_given: int = 0) -> Scene:
    regressor = LookupRegressor((), metric=metric)
    return georegistration_of_views(known, VIEWS, regressor, poses_given, 0)(scene(pair_unit=0.5))


def test_nothing_known_leaves_a_unit_of_its_own() -> None:
    assert place(KnownWorld()).report.world == "a unit of its own"
    assert place(KnownWorld(), metric=True, poses_given=2).report.world == "a unit of its own"


def test_a_metric_regressor_makes_metres() -> None:
    found = place(KnownWorld(), metric=True)
    np.testing.assert_allclose(found.depth[0], 4.0)
    assert found.report.world.startswith("metres")


def test_a_distance_makes_the_size() -> None:
    found = place(KnownWorld(distance=KnownDistance("a.jpg", "d.jpg", 5.0)))
    np.testing.assert_allclose(found.cam_from_world[3, 0, 3], -7.5)
    np.testing.assert_allclose(found.depth[0], 5.0)


def test_positions_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "positions.txt"
    file.write_text("# x y z\na.jpg 0 0 1\n\nb c.jpg 0 2 1\nd.jpg 0 4 1.5\nother.jpg 9 9 9\n")
    assert read_positions(file)["b c.jpg"].tolist() == [0.0, 2.0, 1.0]
    found = place(KnownWorld(positions=file))
    assert found.report.world.startswith("units of the positions, from the positions of 3 photos")
    np.testing.assert_allclose(found.depth[0], 4.0, rtol=0.1)


def test_gps_is_in_metres_of_the_first_photo() -> None:
    found = gps_positions(
        [view("a.jpg"), view("b.jpg", (60.0, 10.0, 5.0)), view("c.jpg", (60.001, 10.0, 7.0))]
    )
    np.testing.assert_allclose(found["c.jpg"], [0.0, 111.41, 2.0], atol=0.01)
    assert "a.jpg" not in found


def flown(heights: list[float | None]) -> tuple[View, ...]:
    """Photos of the scene's cameras, a metre apart to the north."""
    return tuple(
        view(v.name, (60.0 + k / 111_412.0, 10.0, height))
        for k, (v, height) in enumerate(zip(VIEWS, heights, strict=True))
    )


def test_photos_without_altitude_do_not_count() -> None:
    """Taken as 0, the one that is missing would tilt the model and make it a hundred times as large."""
    for heights in ([440.0, 440.0, None, 440.0], [None, 440.0, 440.0, 440.0]):
        place_scene = georegistration_of_views(
            KnownWorld(gps=True), flown(heights), LookupRegressor(()), 0, 0
        )
        found = place_scene(scene())
        assert "1 of 4 photos have no altitude, as " in found.report.world
        np.testing.assert_allclose(found.depth[0], 2.0, rtol=1e-3)
        centres = invert_rigid(found.cam_from_world)[:, :3, 3]
        np.testing.assert_allclose(centres[:, 2], 0.0, atol=1e-3)


def test_altitudes_that_are_all_missing_are_no_plane() -> None:
    with pytest.raises(
        InputError, match=r"1 of 4 photos have a position.*3 of 4 photos have no altitude, as a\.jpg"
    ):
        georegistration_of_views(
            KnownWorld(gps=True), flown([None, None, 5.0, None]), LookupRegressor(()), 0, 0
        )


def test_a_distance_between_photos_that_are_apart_says_so() -> None:
    known = KnownWorld(distance=KnownDistance("a.jpg", "d.jpg", 5.0))
    other = replace(scene(), views=tuple(view(f"{k}.jpg") for k in range(4)))
    found = georegistration_of_views(known, VIEWS, LookupRegressor(()), 0, 0)(other)
    assert found.report.unplaced == "a.jpg and d.jpg are not both in it"


@pytest.mark.parametrize(
    ("known", "poses_given", "says"),
    [
        (KnownWorld(gps=True), 0, "0 of 4 photos have a position"),
        (KnownWorld(gps=True, distance=KnownDistance("a.jpg", "d.jpg", 5.0)), 0, "exclude each other"),
        (KnownWorld(gps=True), 2, "the given poses fix the world"),
        (KnownWorld(positions=Path("nowhere.txt")), 0, "nowhere.txt: cannot be read"),
        (KnownWorld(distance=KnownDistance("a.jpg", "z.jpg", 5.0)), 0, "z.jpg is no photo that is used"),
        (KnownWorld(distance=KnownDistance("a.jpg", "a.jpg", 5.0)), 0, "name two photos"),
        (KnownWorld(distance=KnownDistance("a.jpg", "d.jpg", -1.0)), 0, "positive"),
    ],
)
def test_what_is_refused(known: KnownWorld, poses_given: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        place(known, poses_given=poses_given)


def test_a_line_that_is_no_position(tmp_path: Path) -> None:
    file = tmp_path / "positions.txt"
    file.write_text("a.jpg 0 0\n")
    with pytest.raises(InputError, match="line 1"):
        read_positions(file)
