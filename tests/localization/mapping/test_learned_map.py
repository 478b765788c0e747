"""Photos that plain features do not place are matched again with stronger ones, which references get once."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float, Int
from PIL import Image, ImageOps
from posed_room import QUERIES, PosedRoom, errors

from dust3r_sfm.geometry import invert_rigid, rigid, rotation_from_vector, transform_points
from dust3r_sfm.images import load_view
from dust3r_sfm.localization import LocalizationConfig, Localizer, ReferenceMap
from dust3r_sfm.localization.mapping.pose_consistency import Agreed
from dust3r_sfm.localization.mapping.reference import Reference
from dust3r_sfm.localization.mapping.reference_map import Store
from dust3r_sfm.localization.model_extension import extend_model
from dust3r_sfm.matching.learned import why_unavailable
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.types import View

CONFIG = StereoConfig(long_edge=320, keypoints="sift")


class Source(StereoRegressor):
    """SIFT in the place of stronger features; counts the photos it encodes."""

    encoded = 0

    def encode(self, views: Sequence[View]) -> list[Encoding]:
        self.encoded += len(views)
        return super().encode(views)


class Weak(StereoRegressor):
    """Plain features match nothing."""

    def __init__(self, always: bool = False) -> None:
        super().__init__(CONFIG)
        self.source, self._always = Source(CONFIG), always

    def match_features(self, encoding_i: Encoding, encoding_j: Encoding) -> Int[np.ndarray, "k 2"]:
        return np.zeros((0, 2), np.int64)

    @property
    def stronger_features(self) -> Source:  # type: ignore[override]
        return self.source

    @property
    def always_stronger(self) -> bool:
        return self._always


@pytest.fixture
def fresh(prepared: ReferenceMap, tmp_path: Path) -> ReferenceMap:
    """With no stronger features in its folder yet."""
    return replace(prepared, store=Store(tmp_path, prepared.store.key))


def query(posed_room: PosedRoom, index: int = QUERIES[0]) -> View:
    return load_view(posed_room.photo(index), StereoRegressor(CONFIG).image_spec)


def test_a_photo_is_placed_by_stronger_features(fresh: ReferenceMap, posed_room: PosedRoom) -> None:
    found = Localizer(fresh, Weak()).localize(query(posed_room), posed_room.camera(QUERIES[0]))
    angle_deg, apart = errors(found, posed_room.truth(QUERIES[0]))
    assert angle_deg < 0.15
    assert apart < 0.01


def test_features_of_references_are_found_once(fresh: ReferenceMap, posed_room: PosedRoom) -> None:
    first, again = Weak(), Weak()
    Localizer(fresh, first).localize(query(posed_room))
    assert first.source.encoded == 1 + len(fresh.photos)
    Localizer(fresh, again).localize(query(posed_room))
    assert again.source.encoded == 1


def test_all_are_made_ready_where_they_are_always_wanted(fresh: ReferenceMap, posed_room: PosedRoom) -> None:
    for always, encoded in ((False, 0), (True, len(fresh.photos))):
        regressor = Weak(always)
        Localizer(fresh, regressor).prepare_stronger(Silent())
        assert regressor.source.encoded == encoded


def test_what_suffices_is_not_matched_again(fresh: ReferenceMap, posed_room: PosedRoom) -> None:
    class Strong(Weak):
        match_features = StereoRegressor.match_features

    plain, always = Strong(), Strong(always=True)
    Localizer(fresh, plain).localize(query(posed_room))
    assert plain.source.encoded == 0
    Localizer(fresh, plain, LocalizationConfig(weak_inliers=100_000)).localize(query(posed_room))
    assert plain.source.encoded > 0
    Localizer(fresh, always).localize(query(posed_room))
    assert always.source.encoded > 0


def test_points_lie_where_references_agree_and_are_carried_back(
    fresh: ReferenceMap, posed_room: PosedRoom
) -> None:
    step = rigid(rotation_from_vector(np.array([0.3, -0.2, 0.5])), np.array([1.0, -2.0, 0.5]))
    poses = np.stack([photo.cam_from_world @ invert_rigid(step) for photo in fresh.photos])
    assert fresh.features is not None
    points = fresh.features.points
    agreed = Agreed(poses, transform_points(step, points.xyz))
    moved = replace(fresh, features=replace(fresh.features, points=replace(points, agreed=agreed)))
    found = Localizer(moved, Weak()).localize(query(posed_room), posed_room.camera(QUERIES[0]))
    angle_deg, apart = errors(found, posed_room.truth(QUERIES[0]))
    assert angle_deg < 0.15
    assert apart < 0.01
    assert found is not None
    assert np.median(_off(found.points, found.pixels, posed_room)) < 1.0


def _off(
    points: Float[np.ndarray, "n 3"], pixels: Float[np.ndarray, "n 2"], posed_room: PosedRoom
) -> Float[np.ndarray, " n"]:
    seen = transform_points(posed_room.truth(QUERIES[0]), points)
    fx, fy, cx, cy = posed_room.camera(QUERIES[0]).params
    return np.linalg.norm(seen[:, :2] / seen[:, 2:] * [fx, fy] + [cx, cy] - pixels, axis=1)


def test_mirrored_photos_are_still_refused(
    fresh: ReferenceMap, posed_room: PosedRoom, tmp_path: Path
) -> None:
    path = tmp_path / "mirrored.png"
    ImageOps.mirror(Image.open(posed_room.photo(QUERIES[0]))).save(path)
    localizer = Localizer(fresh, Weak())
    attempt = localizer.attempt(load_view(path, localizer.image_spec))
    assert attempt.localization is None
    assert attempt.num_inliers < 0.7 * localizer.config.min_inliers


def test_their_matches_become_points_of_an_extended_model(
    fresh: ReferenceMap, reference: Reference, posed_room: PosedRoom
) -> None:
    attempt = Localizer(fresh, Weak()).attempt(query(posed_room))
    model = extend_model(reference, fresh, [attempt])
    assert model.num_reg_images() == len(fresh.photos) + 1
    assert 0.8 * attempt.num_inliers < model.num_points3D() <= attempt.num_inliers
    assert model.compute_mean_reprojection_error() < 2.0


@pytest.mark.learned
@pytest.mark.skipif(why_unavailable() is not None, reason="kornia or the weights are missing")
def test_learned_features_place_what_sift_does_not(
    fresh: ReferenceMap, posed_room: PosedRoom, tmp_path: Path
) -> None:
    """Nearly without light, and noisy."""
    path = tmp_path / posed_room.photo(QUERIES[0]).name
    bright = np.asarray(Image.open(posed_room.photo(QUERIES[0])).convert("RGB"))
    noise = np.random.default_rng(0).normal(0.0, 4.0, bright.shape)
    Image.fromarray(np.clip(0.1 * bright + noise, 0, 255).astype(np.uint8)).save(path)
    shutil.copystat(posed_room.photo(QUERIES[0]), path)
    camera = posed_room.camera(QUERIES[0])
    plain, learned = (
        Localizer(fresh, StereoRegressor(replace(CONFIG, keypoints=keypoints)))
        for keypoints in ("sift", "auto")
    )
    view = load_view(path, plain.image_spec)
    assert plain.attempt(view, camera).localization is None
    angle_deg, apart = errors(learned.localize(view, camera), posed_room.truth(QUERIES[0]))
    assert angle_deg < 0.5
    assert apart < 0.05
