"""The whole regressor on three small rendered photos with exact depth, and which pairs it sweeps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from rendered_room import FOCAL, RenderedRoom

from dust3r_sfm.geometry import invert_rigid, project, rotation_angle_deg, transform_points
from dust3r_sfm.inference import measure_pairs
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.protocol import Encoding, HasQuickWay, PointmapRegressor
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.regressors.stereo.sweep_choice import SweepChoiceConfig, worth_sweeping
from dust3r_sfm.regressors.stereo.two_view import UNRELATED, TwoView
from dust3r_sfm.types import Correspondences, Pair, PairGeometry, PairPrediction, View
from dust3r_sfm.view_graph import ViewGraph

PAIRS = tuple(Pair(i, j) for i in range(3) for j in range(3) if i != j)
CONFIDENT = 2.0
CHOICE = SweepChoiceConfig()


@dataclass(frozen=True)
class Outcome:
    """What the regressor said of a room, by pair."""

    room: RenderedRoom
    regressor: StereoRegressor
    views: Sequence[View]
    encodings: Sequence[Encoding]
    predictions: dict[Pair, PairPrediction]


@pytest.fixture(scope="module")
def outcome(rendered_rooms: tuple[RenderedRoom, RenderedRoom]) -> Outcome:
    room, regressor = rendered_rooms[0], StereoRegressor(StereoConfig())
    views = room.views()
    encodings = regressor.encode(views)
    found = regressor.predict(views, encodings, PAIRS, frozenset(), Silent())
    return Outcome(room, regressor, views, encodings, {p.pair: p for p in found})


def test_it_is_a_regressor_and_its_fingerprint_knows_the_config() -> None:
    regressor = StereoRegressor(StereoConfig())
    assert isinstance(regressor, PointmapRegressor)
    assert regressor.image_spec.long_edge == StereoConfig().long_edge
    assert regressor.fingerprint() == StereoRegressor(StereoConfig()).fingerprint()
    assert regressor.fingerprint() != StereoRegressor(StereoConfig(max_ratio=0.7)).fingerprint()


def test_its_quick_way_is_sift_alone_with_the_same_encodings(outcome: Outcome) -> None:
    regressor, views = outcome.regressor, outcome.views
    quick = regressor.quick
    assert isinstance(regressor, HasQuickWay)
    assert quick is not None
    assert quick.quick is None
    assert quick.fingerprint() != regressor.fingerprint()
    assert StereoRegressor(StereoConfig(keypoints="aliked")).quick is None
    for one, other in zip(quick.encode(views), outcome.encodings, strict=True):
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])


def test_pairs_share_the_graph_and_the_cameras(outcome: Outcome) -> None:
    """Whichever way round a pair is asked for, it has a part in what is said of all others."""
    regressor, views = outcome.regressor, outcome.views
    shared = regressor.shared_by_pairs(views, PAIRS)
    assert regressor.shared_by_pairs(views, PAIRS[::-1]) == shared
    assert regressor.shared_by_pairs(views, [pair for pair in PAIRS if pair.i < pair.j]) == shared
    assert regressor.shared_by_pairs(views, PAIRS[:2]) != shared
    other_camera = [*views[:-1], replace(views[-1], exif_camera="another")]
    assert regressor.shared_by_pairs(other_camera, PAIRS) != shared


@pytest.mark.slow
def test_a_grown_graph_is_calibrated_anew(outcome: Outcome, tmp_path: Path) -> None:
    """Nothing is left of what was kept when there was less to calibrate on."""
    regressor, views = outcome.regressor, outcome.views
    measure_pairs(regressor, views, ViewGraph(3, PAIRS[:2]), work_folder=tmp_path)
    grown = measure_pairs(regressor, views, ViewGraph(3, PAIRS), work_folder=tmp_path)
    fresh = measure_pairs(regressor, views, ViewGraph(3, PAIRS))
    for one, other in zip(grown.summaries, fresh.summaries, strict=True):
        np.testing.assert_array_equal(one.depth_i, other.depth_i)


def test_every_pair_is_predicted_once_and_is_general(outcome: Outcome) -> None:
    assert set(outcome.predictions) == set(PAIRS)
    for prediction in outcome.predictions.values():
        assert prediction.geometry is PairGeometry.GENERAL
        assert prediction.correspondences is not None
        assert len(prediction.correspondences) > 200


def scale_to_truth(prediction: PairPrediction, depth: np.ndarray) -> float:
    confident = prediction.confidence_i > CONFIDENT
    return float(np.median(depth[confident] / prediction.points_i[..., 2][confident]))


def test_depth_is_right_where_it_is_confident(outcome: Outcome) -> None:
    for pair, prediction in outcome.predictions.items():
        depth, confident = outcome.room.depths[pair.i], prediction.confidence_i > CONFIDENT
        error = np.abs(prediction.points_i[..., 2] * scale_to_truth(prediction, depth) / depth - 1)[confident]
        assert confident.mean() > 0.4
        assert np.median(error) < 0.005
        assert (error > 0.05).mean() < 0.05


def test_points_of_the_other_view_lie_where_it_sees_them(outcome: Outcome) -> None:
    for pair, prediction in outcome.predictions.items():
        scale = scale_to_truth(prediction, outcome.room.depths[pair.i])
        poses = outcome.room.rig.cam_from_world
        j_from_i = poses[pair.j] @ invert_rigid(poses[pair.i])
        confident = prediction.confidence_j > CONFIDENT
        in_j = transform_points(j_from_i, scale * prediction.points_j[confident].astype(np.float64))
        true = outcome.room.depths[pair.j][confident]
        assert np.median(np.abs(in_j[:, 2] / true - 1)) < 0.01
        v, u = np.nonzero(confident)
        apart = project(in_j, outcome.room.rig.cameras[pair.j]) - np.stack([u + 0.5, v + 0.5], axis=-1)
        assert np.median(np.linalg.norm(apart, axis=1)) < 1.0


def test_both_directions_of_a_pair_say_the_same(outcome: Outcome) -> None:
    for pair in PAIRS:
        one, other = outcome.predictions[pair], outcome.predictions[pair.swap()]
        assert one.correspondences is not None
        assert other.correspondences is not None
        np.testing.assert_array_equal(one.confidence_i, other.confidence_j)
        np.testing.assert_array_equal(one.correspondences.pixels_i, other.correspondences.pixels_j)
        known = one.confidence_i > 1
        a, b = one.points_i[known].astype(np.float64), other.points_j[known].astype(np.float64)
        turn, scale = _registered(a, b)
        assert scale == pytest.approx(1.0, rel=1e-4)
        true = outcome.room.rig.cam_from_world
        j_from_i = true[pair.j] @ invert_rigid(true[pair.i])
        assert rotation_angle_deg((turn @ j_from_i[:3, :3].T)[None])[0] < 0.5


def _registered(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, float]:
    """Rotation and scale from points a to the same points b (Umeyama)."""
    centred_a, centred_b = a - a.mean(axis=0), b - b.mean(axis=0)
    u, _, vt = np.linalg.svd(centred_b.T @ centred_a)
    scale = np.sqrt((centred_b**2).sum() / (centred_a**2).sum())
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt, float(scale)


def test_the_focal_is_found_from_the_matches(outcome: Outcome) -> None:
    for prediction in outcome.predictions.values():
        confident = prediction.confidence_i > 1
        v, u = np.nonzero(confident)
        x, y, z = prediction.points_i[confident].astype(np.float64).T
        np.testing.assert_allclose(u + 0.5 - 160.0, FOCAL * x / z, atol=2.5)
        focal = np.median(np.hypot(u + 0.5 - 160.0, v + 0.5 - 120.0) / np.hypot(x, y) * z)
        assert focal == pytest.approx(FOCAL, rel=0.01)


def test_what_is_done_is_not_predicted_again_and_changes_nothing(outcome: Outcome) -> None:
    done = frozenset(PAIRS) - {Pair(2, 1)}
    (again,) = outcome.regressor.predict(outcome.views, outcome.encodings, PAIRS, done, Silent())
    before = outcome.predictions[Pair(2, 1)]
    assert again.pair == before.pair
    np.testing.assert_array_equal(again.points_i, before.points_i)
    np.testing.assert_array_equal(again.confidence_j, before.confidence_j)


def test_photos_of_two_rooms_are_unrelated(
    outcome: Outcome, rendered_rooms: tuple[RenderedRoom, RenderedRoom]
) -> None:
    stranger = rendered_rooms[1].views()[0]
    views, encodings = (
        [outcome.views[0], stranger],
        [outcome.encodings[0], *outcome.regressor.encode([stranger])],
    )
    (found,) = outcome.regressor.predict(views, encodings, [Pair(0, 1)], frozenset(), Silent())
    assert found.geometry is PairGeometry.UNRELATED
    assert found.confidence_i.max() == found.confidence_j.max() == 1
    assert found.correspondences is not None
    assert len(found.correspondences) == 0


def test_a_blank_photo_is_unrelated_to_all(outcome: Outcome) -> None:
    blank = replace(outcome.views[0], image=np.full_like(outcome.views[0].image, 128))
    views, encodings = [outcome.views[0], blank], [outcome.encodings[0], *outcome.regressor.encode([blank])]
    found = list(outcome.regressor.predict(views, encodings, [Pair(1, 0)], frozenset(), Silent()))
    assert [(p.pair, p.geometry) for p in found] == [(Pair(1, 0), PairGeometry.UNRELATED)]


def pair_of(
    matches: int, angle_deg: float, geometry: PairGeometry = PairGeometry.GENERAL, seen: int = 99
) -> TwoView:
    depth = np.where(np.arange(matches) < seen, 4.0, np.nan)
    found = Correspondences(np.zeros((matches, 2)), np.zeros((matches, 2)), np.ones(matches))
    return TwoView(geometry, np.eye(4), found, depth, depth, angle_deg)


def test_each_view_sweeps_its_best_pairs() -> None:
    """A star around view 0: its own best two, and for each other view the only one it has."""
    star = {Pair(0, k): pair_of(100 * k, 10.0) for k in range(1, 5)}
    assert worth_sweeping(star, 1, CHOICE) == set(star)
    triangle = {Pair(0, 1): pair_of(50, 10.0), Pair(0, 2): pair_of(90, 10.0), Pair(1, 2): pair_of(80, 10.0)}
    assert worth_sweeping(triangle, 1, CHOICE) == {Pair(0, 2), Pair(1, 2)}
    assert worth_sweeping(triangle, 2, CHOICE) == set(triangle)


def test_a_good_angle_is_worth_more_than_a_few_matches() -> None:
    pairs = {Pair(0, 1): pair_of(100, 2.0), Pair(0, 2): pair_of(90, 9.0), Pair(1, 2): pair_of(95, 9.0)}
    assert worth_sweeping(pairs, 1, CHOICE) == {Pair(0, 2), Pair(1, 2)}


@pytest.mark.parametrize(
    "useless",
    [
        UNRELATED,
        pair_of(100, 0.5),
        pair_of(100, 60.0),
        pair_of(100, 10.0, PairGeometry.ROTATION_ONLY),
        pair_of(100, 10.0, PairGeometry.LOW_PARALLAX),
        pair_of(100, 10.0, seen=7),
    ],
)
def test_pairs_without_depth_to_find_are_not_swept(useless: TwoView) -> None:
    good = {Pair(1, 2): pair_of(20, 10.0), Pair(0, 2): pair_of(20, 10.0, PairGeometry.PLANAR)}
    assert worth_sweeping({Pair(0, 1): useless, **good}, 4, CHOICE) == set(good)


def test_nothing_is_swept_of_nothing() -> None:
    assert worth_sweeping({}, 4, CHOICE) == set()
