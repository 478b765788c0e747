"""Regressors that predict pointmaps: exact ones place photos by depth, seeded ones show the plumbing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from known_room import LookupRegressor, Room, make_room
from posed_room import errors
from seeded_networks import TINY, TINY_WITH_FEATURES, loaded, seeded_network

from dust3r_sfm.images import load_view
from dust3r_sfm.localization import (
    DepthMap,
    LocalizationConfig,
    Localizer,
    PosedPhoto,
    Reference,
    prepare,
)
from dust3r_sfm.localization.config import DepthScaleConfig
from dust3r_sfm.localization.mapping.depth import fit_scale
from dust3r_sfm.localization.model_extension import extend_model
from dust3r_sfm.networks import NetworkConfig
from dust3r_sfm.regressors.network import NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.types import View

QUERY = 2


@dataclass
class Describing(LookupRegressor):
    """Exact for pairs of its room, and says what photos look like by their pixels."""

    def encode(self, views: Sequence[View]) -> list[Mapping[str, np.ndarray]]:
        return [{"rows": view.image.reshape(-1, 48).astype(np.float32)} for view in views]

    def local_descriptors(self, encoding: Mapping[str, np.ndarray]) -> np.ndarray:
        return encoding["rows"]


@pytest.fixture(scope="module")
def room() -> Room:
    return make_room("room", 0, 5)


def reference_of(room: Room, folder: Path) -> Reference:
    """All photos but the query."""
    room.write(folder)
    photos = tuple(
        PosedPhoto(
            f"{index}.png",
            folder / "room" / f"{index}.png",
            room.rig.cameras[index],
            room.rig.cam_from_world[index],
        )
        for index in range(5)
        if index != QUERY
    )
    return Reference(folder, photos)


def test_depth_at_the_size_the_known_cameras_ask_for(room: Room, tmp_path: Path) -> None:
    reference, regressor = reference_of(room, tmp_path), Describing((room,))
    prepared = prepare(reference, regressor, tmp_path / "prepared")
    assert prepared.features is None
    assert prepared.depth is not None
    for depth, index in zip(prepared.depth, (0, 1, 3, 4), strict=True):
        known = depth.depth > 0
        assert known.mean() > 0.95
        ratio = depth.depth[known] / room.depths[index][known]
        assert np.median(np.abs(ratio - 1)) < 0.01
    predicted = len(regressor.predicted)
    again = prepare(reference, regressor, tmp_path / "prepared")
    assert len(regressor.predicted) == predicted
    assert again.depth is not None
    assert np.array_equal(again.depth[0].depth, prepared.depth[0].depth)


@pytest.mark.parametrize("known_focal", [True, False])
def test_placed_by_predictions(known_focal: bool, room: Room, tmp_path: Path) -> None:
    reference, regressor = reference_of(room, tmp_path), Describing((room,))
    localizer = Localizer(prepare(reference, regressor, tmp_path / "prepared"), regressor)
    view = load_view(tmp_path / "room" / f"{QUERY}.png", regressor.image_spec)
    camera = room.rig.cameras[QUERY]
    attempt = localizer.attempt(view, camera if known_focal else None)
    angle_deg, apart = errors(attempt.localization, room.rig.cam_from_world[QUERY])
    assert angle_deg < (0.3 if known_focal else 1.0)
    assert apart < (0.03 if known_focal else 0.1)
    model = extend_model(reference, localizer.prepared, [attempt])
    assert model.num_reg_images() == 5
    assert model.compute_mean_reprojection_error() < 1.0
    assert all(point.track.length() == 2 for point in model.points3D.values())


def test_depth_that_came_with_the_set_is_taken(room: Room, tmp_path: Path) -> None:
    depth = {
        f"{k}.png": DepthMap(room.depths[k].astype(np.float32), np.full((72, 96), 3.0, np.float32), np.eye(3))
        for k in range(5)
    }
    reference = replace(reference_of(room, tmp_path), depth=depth)
    regressor = Describing((room,))
    prepared = prepare(reference, regressor, tmp_path / "prepared")
    assert regressor.predicted == []
    found = Localizer(prepared, regressor).localize(
        load_view(tmp_path / "room" / f"{QUERY}.png", regressor.image_spec), room.rig.cameras[QUERY]
    )
    angle_deg, apart = errors(found, room.rig.cam_from_world[QUERY])
    assert angle_deg < 0.1
    assert apart < 0.01


def test_a_photo_of_elsewhere_has_no_matches(room: Room, tmp_path: Path) -> None:
    other = make_room("other", 1, 2)
    reference, regressor = reference_of(room, tmp_path), Describing((room, other))
    other.write(tmp_path)
    localizer = Localizer(prepare(reference, regressor, tmp_path / "prepared"), regressor)
    attempt = localizer.attempt(load_view(tmp_path / "other" / "0.png", regressor.image_spec))
    assert attempt.localization is None
    assert attempt.reason is not None
    assert attempt.reason.startswith("0 matches with 3D points of 4 references")


@pytest.mark.parametrize("config", [TINY, TINY_WITH_FEATURES], ids=["pointmaps", "descriptors"])
def test_a_seeded_network_goes_the_same_way(config: NetworkConfig, room: Room, tmp_path: Path) -> None:
    """Meaningless, but whole: with true depth of the references, its matches are lifted and judged."""
    regressor = NetworkRegressor(NetworkRegressorConfig("tiny"), loaded(seeded_network(config)))
    depth = {
        f"{k}.png": DepthMap(room.depths[k].astype(np.float32), np.full((72, 96), 3.0, np.float32), np.eye(3))
        for k in range(5)
    }
    plain = reference_of(room, tmp_path)
    for reference, expects_matches in ((replace(plain, depth=depth), True), (plain, False)):
        prepared = prepare(reference, regressor, tmp_path / f"prepared{expects_matches}")
        assert prepared.depth is not None
        localizer = Localizer(prepared, regressor, LocalizationConfig(min_inliers=1000))
        attempt = localizer.attempt(
            load_view(tmp_path / "room" / f"{QUERY}.png", regressor.image_spec),
            room.rig.cameras[QUERY],
        )
        assert attempt.localization is None
        assert attempt.reason is not None
        assert set(attempt.references) == {"0.png", "1.png", "3.png", "4.png"}
        if config is TINY_WITH_FEATURES and expects_matches:
            assert attempt.num_matches > 10


def test_scales_that_do_not_agree() -> None:
    depth, config = np.ones((10, 10)), DepthScaleConfig()
    pixels = np.random.default_rng(0).uniform(0, 10, (40, 2))
    assert fit_scale(depth, pixels, np.full(40, 2.5), config) == pytest.approx(2.5)
    assert fit_scale(depth, pixels[:5], np.full(5, 2.5), config) is None
    assert fit_scale(depth, pixels, np.geomspace(0.1, 10.0, 40), config) is None
