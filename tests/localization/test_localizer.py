"""Photos of a rendered room find their places; photos of nowhere find none, and say why."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from posed_room import QUERIES, PosedRoom, errors
from rendered_room import FOCAL, HEIGHT, WIDTH

from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector, transform_points
from dust3r_sfm.images import load_view
from dust3r_sfm.localization import LocalizationConfig, Localizer, ReferenceMap
from dust3r_sfm.localization.absolute_pose import reprojection_errors
from dust3r_sfm.localization.mapping.pose_consistency import Agreed
from dust3r_sfm.regressors.stereo import StereoRegressor
from dust3r_sfm.types import Camera, FocalSource, View

MOST_DEG, MOST_APART = 0.15, 0.01
"""The room is some five units wide."""


@pytest.fixture(scope="module")
def localizer(prepared: ReferenceMap, stereo: StereoRegressor) -> Localizer:
    return Localizer(prepared, stereo)


def view_of(path: Path, stereo: StereoRegressor) -> View:
    return load_view(path, stereo.image_spec)


def query(posed_room: PosedRoom, stereo: StereoRegressor, index: int = QUERIES[0]) -> View:
    return view_of(posed_room.photo(index), stereo)


@pytest.mark.parametrize("index", QUERIES)
def test_known_camera(
    index: int, localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    found = localizer.localize(query(posed_room, stereo, index), posed_room.camera(index))
    angle_deg, apart = errors(found, posed_room.truth(index))
    assert angle_deg < MOST_DEG
    assert apart < MOST_APART
    assert found is not None
    assert found.focal_source is FocalSource.GIVEN
    assert found.camera == posed_room.camera(index)
    assert found.num_inliers > 100
    assert found.inlier_ratio > 0.8
    assert 0.5 < found.confidence < 1
    assert set(found.references) == {"0.png", "2.png", "4.png"}
    # The true error is within four times what it is said to be.
    assert angle_deg < 4 * found.rotation_std_deg
    assert apart < 4 * found.centre_std


def test_placed_where_references_agree_and_carried_back(
    prepared: ReferenceMap, localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    """They agree on the given world, moved as a whole: nothing changes. Points that are not known there
    take no part."""
    assert prepared.features is not None
    points = prepared.features.points
    step = rigid(rotation_from_vector(np.array([0.3, -0.2, 0.5])), np.array([1.0, -2.0, 0.5]))
    poses = np.stack([photo.cam_from_world @ invert_rigid(step) for photo in prepared.photos])
    xyz = transform_points(step, points.xyz)
    xyz[::2] = np.nan
    elsewhere = replace(points, agreed=Agreed(poses, xyz))
    moved = replace(prepared, features=replace(prepared.features, points=elsewhere))
    view, camera = query(posed_room, stereo), posed_room.camera(QUERIES[0])
    found, plain = (one.localize(view, camera) for one in (Localizer(moved, stereo), localizer))
    angle_deg, apart = errors(found, posed_room.truth(QUERIES[0]))
    assert angle_deg < 2 * MOST_DEG
    assert apart < 2 * MOST_APART
    assert found is not None
    assert plain is not None
    assert found.num_inliers < 0.8 * plain.num_inliers
    off = reprojection_errors(found.pixels, found.points, found.cam_from_world, found.camera)
    assert np.median(off) < 1.0


def test_the_same_again(localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor) -> None:
    first, second = (localizer.localize(query(posed_room, stereo)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.cam_from_world, second.cam_from_world)
    assert first.camera == second.camera


def test_an_unknown_focal_is_solved(
    localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    found = localizer.localize(query(posed_room, stereo))
    angle_deg, apart = errors(found, posed_room.truth(QUERIES[0]))
    assert angle_deg < 2 * MOST_DEG
    assert apart < 3 * MOST_APART
    assert found is not None
    assert found.focal_source is FocalSource.SOLVED
    assert found.camera.params[0] == pytest.approx(FOCAL, rel=0.01)
    known = localizer.localize(query(posed_room, stereo), posed_room.camera(QUERIES[0]))
    assert known is not None
    assert found.centre_std > known.centre_std


@pytest.mark.parametrize("share", [0.9, 1.4])
def test_exif_is_a_prior_and_not_the_truth(
    share: float, localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    view = replace(query(posed_room, stereo), exif_focal_px=share * FOCAL)
    found = localizer.localize(view)
    assert found is not None
    assert found.camera.params[0] == pytest.approx(FOCAL, rel=0.01)
    if share == 0.9:
        assert found.focal_source is FocalSource.EXIF


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_photo_turned_by_exif_gets_the_pose_of_the_stored_file(
    orientation: int, localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor, tmp_path: Path
) -> None:
    """The file is stored turned, as a camera held askew does, and says so: upright it is the same photo."""
    index = QUERIES[0]
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    degrees = {3: 180, 6: -90, 8: 90}[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / "turned.png"
    Image.open(posed_room.photo(index)).transpose(turn[orientation]).save(path, exif=exif)
    cosine, sine = np.cos(np.radians(degrees)).round(), np.sin(np.radians(degrees)).round()
    stored_from_upright = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    camera = posed_room.camera(index)
    if orientation != 3:
        camera = Camera("PINHOLE", HEIGHT, WIDTH, (FOCAL, FOCAL, HEIGHT / 2, WIDTH / 2))
    found = localizer.localize(view_of(path, stereo), camera)
    truth = rigid(stored_from_upright, np.zeros(3)) @ posed_room.truth(index)
    angle_deg, apart = errors(found, truth)
    assert angle_deg < MOST_DEG
    assert apart < MOST_APART


def test_a_portrait_cut_out_of_a_photo(
    localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor, tmp_path: Path
) -> None:
    index, left, width = QUERIES[1], 90, 150
    path = tmp_path / "portrait.png"
    Image.open(posed_room.photo(index)).crop((left, 0, left + width, HEIGHT)).save(path)
    camera = Camera("PINHOLE", width, HEIGHT, (FOCAL, FOCAL, WIDTH / 2 - left, HEIGHT / 2))
    angle_deg, apart = errors(localizer.localize(view_of(path, stereo), camera), posed_room.truth(index))
    assert angle_deg < 2 * MOST_DEG
    assert apart < 2 * MOST_APART


def test_mirrored_photos_are_refused(
    localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor, tmp_path: Path
) -> None:
    """As like the place as another place can be: every surface looks right, and nothing is where it was."""
    for index in QUERIES:
        path = tmp_path / f"{index}.png"
        ImageOps.mirror(Image.open(posed_room.photo(index))).save(path)
        attempt = localizer.attempt(view_of(path, stereo))
        assert attempt.localization is None
        assert attempt.reason is not None
        assert attempt.num_inliers < 0.7 * localizer.config.min_inliers


def test_a_blank_photo_is_refused(localizer: Localizer, caplog: pytest.LogCaptureFixture) -> None:
    blank = View("blank.png", np.full((HEIGHT, WIDTH, 3), 127, np.uint8), np.eye(3), (WIDTH, HEIGHT))
    assert localizer.localize(blank) is None
    assert "blank.png: not localized: 0 matches with 3D points of 3 references" in caplog.text


def test_given_references_take_the_place_of_retrieval(
    localizer: Localizer, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    view = query(posed_room, stereo)
    attempt = localizer.attempt(view, references=["4.png", "lost.png", "0.png"])
    assert attempt.references == ("4.png", "0.png")
    assert attempt.localization is not None
    nothing = localizer.attempt(view, references=["lost.png"])
    assert nothing.reason == "no reference photo to compare it with"


def test_thresholds_name_what_is_missing(
    prepared: ReferenceMap, posed_room: PosedRoom, stereo: StereoRegressor
) -> None:
    view = query(posed_room, stereo)
    for config, expected in (
        (LocalizationConfig(min_inliers=100_000), "needed: it shows another place"),
        (LocalizationConfig(min_inlier_ratio=0.9999), "matches agree on a pose, 100% needed"),
    ):
        reason = Localizer(prepared, stereo, config).attempt(view).reason
        assert reason is not None
        assert expected in reason
