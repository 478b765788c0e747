"""A wall seen head on and very slantwise: tilted pictures match it where SIFT alone does not."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from slanted_photos import SIZE, as_view, slanted, slanted_from_frontal, texture

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.regressors.stereo.features import FeatureConfig
from dust3r_sfm.regressors.stereo.matching import ROWS_AT_ONCE, nearest, nearest_elsewhere
from dust3r_sfm.regressors.stereo.wide_baseline.affine_matching import AffineMatchingConfig, match_affine
from dust3r_sfm.regressors.stereo.wide_baseline.affine_sift import (
    AffineFeatures,
    AffineSiftConfig,
    detect_affine,
)
from dust3r_sfm.regressors.stereo.wide_baseline.rounds import Budget, StrongerConfig
from dust3r_sfm.types import Correspondences, Pair, PairGeometry, View

PLAIN, TILT, ANGLE = FeatureConfig(), 4.0, 30.0
CPU = torch.device("cpu")
WITH_AFFINE = StereoConfig(keypoints="sift")
NOTHING = Budget(image_s=1.0, pair_s=1.0, most_s=0.0)
WITHOUT = StereoConfig(keypoints="sift", stronger=StrongerConfig(affine=NOTHING))


@dataclass(frozen=True)
class Wall:
    frontal: View
    slanted: View
    slanted_from_frontal: np.ndarray


@pytest.fixture(scope="module")
def wall() -> Wall:
    frontal, warp = texture(0), slanted_from_frontal(TILT, ANGLE)
    return Wall(as_view(frontal, "a"), as_view(slanted(frontal, warp, 2.0, 1), "b"), warp)


@pytest.fixture(scope="module")
def features(wall: Wall) -> tuple[AffineFeatures, AffineFeatures]:
    a, b = (detect_affine(view, AffineSiftConfig(), PLAIN) for view in (wall.frontal, wall.slanted))
    return a, b


def matched(a: AffineFeatures, b: AffineFeatures, config: AffineMatchingConfig) -> Correspondences:
    return match_affine(a, b, 0.8, config, CPU)


def errors(matches: Correspondences, b_from_a: np.ndarray) -> np.ndarray:
    return np.linalg.norm(apply_affine(b_from_a, matches.pixels_i) - matches.pixels_j, axis=1)


def test_matches_are_where_the_wall_is(wall: Wall, features: tuple[AffineFeatures, AffineFeatures]) -> None:
    found = matched(*features, AffineMatchingConfig())
    assert len(found) > 60
    assert np.mean(errors(found, wall.slanted_from_frontal) < 3.0) > 0.8
    assert np.median(errors(found, wall.slanted_from_frontal)) < 1.0


def test_a_place_has_one_pixel_in_all_its_matches(features: tuple[AffineFeatures, AffineFeatures]) -> None:
    """Or tracks could not go on from pair to pair."""
    a, b = features
    assert len(a.pixels) < 0.7 * len(a.place)
    found = matched(a, b, AffineMatchingConfig())
    of_a = {tuple(pixel) for pixel in a.pixels.tolist()}
    assert all(tuple(pixel) in of_a for pixel in found.pixels_i.tolist())
    assert len(np.unique(found.pixels_i, axis=0)) > 0.9 * len(found)


def test_a_view_without_features_matches_nothing(features: tuple[AffineFeatures, AffineFeatures]) -> None:
    blank = detect_affine(as_view(np.full(SIZE[::-1], 128.0), "blank"), AffineSiftConfig(), PLAIN)
    assert blank.pixels.shape == (0, 2)
    assert (
        len(matched(features[0], blank, AffineMatchingConfig()))
        == len(matched(blank, features[0], AffineMatchingConfig()))
        == 0
    )


def test_places_are_where_the_mask_allows(wall: Wall) -> None:
    mask = np.ones(SIZE[::-1], dtype=bool)
    mask[:, : SIZE[0] // 2] = False
    found = detect_affine(replace(wall.frontal, mask=mask), AffineSiftConfig(), PLAIN)
    assert len(found.pixels) > 100
    assert (found.pixels[:, 0] >= SIZE[0] // 2).all()


def test_a_pair_that_matches_well_keeps_its_matches(wall: Wall) -> None:
    """A stray photo beside two that are well joined costs these nothing."""
    beside = as_view(slanted(texture(0), slanted_from_frontal(1.1, 0.0), 2.0, 2), "c")
    stray = as_view(texture(7), "d")
    views, pair = [wall.frontal, beside, stray], Pair(0, 1)
    pairs = (pair, Pair(0, 2), Pair(1, 2))
    found = []
    for config in (WITH_AFFINE, WITHOUT):
        regressor = StereoRegressor(config)
        predictions = regressor.predict(views, regressor.encode(views), pairs, frozenset(), Silent())
        found.append({p.pair: p for p in predictions}[pair].correspondences)
    assert len(found[0]) > StrongerConfig().enough_inliers
    np.testing.assert_array_equal(found[0].pixels_i, found[1].pixels_i)


def test_the_regressor_searches_like_this_where_sift_finds_nothing(wall: Wall) -> None:
    views, pairs = [wall.frontal, wall.slanted], (Pair(0, 1), Pair(1, 0))
    wide, plain = StereoRegressor(WITH_AFFINE), StereoRegressor(WITHOUT)
    encodings = wide.encode(views)
    without = next(iter(plain.predict(views, encodings, pairs, frozenset(), Silent())))
    assert without.geometry is PairGeometry.UNRELATED
    for prediction in wide.predict(views, encodings, pairs, frozenset(), Silent()):
        assert prediction.geometry is not PairGeometry.UNRELATED
        b_from_a = wall.slanted_from_frontal
        truth = b_from_a if prediction.pair == pairs[0] else np.linalg.inv(b_from_a)
        assert prediction.correspondences is not None
        assert np.median(errors(prediction.correspondences, truth)) < 1.5


def test_the_runner_up_lies_elsewhere() -> None:
    """Equal to its naive twin; the descriptors beside the best do not count as its rivals."""
    rng = np.random.default_rng(0)
    i, j = (rng.uniform(size=(count, 128)).astype(np.float32) for count in (ROWS_AT_ONCE + 40, 60))
    i, j = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (i, j))
    where = rng.uniform(0, 100, (len(j), 2)).astype(np.float32)
    found = nearest_elsewhere(torch.tensor(i), torch.tensor(j), torch.tensor(where), 15.0, runners_up=16)
    angle = np.arccos(np.clip(i @ j.T, -1, 1))
    best = angle.argmin(axis=1)
    assert found.row.tolist() == nearest(torch.tensor(i), torch.tensor(j)).tolist() == best.tolist()
    far = np.linalg.norm(where[None] - where[best][:, None], axis=2) > 15.0
    second = np.where(far, angle, np.inf).min(axis=1)
    np.testing.assert_allclose(found.ratio.numpy(), angle.min(axis=1) / second, rtol=1e-4)
