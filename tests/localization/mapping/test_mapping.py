"""References are made ready once, and again only when something about them changes."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image
from posed_room import PosedRoom

from dust3r_sfm.errors import InputError, OutputError
from dust3r_sfm.io.arrays import read_arrays, text_from_array
from dust3r_sfm.localization import (
    PreparationConfig,
    Reference,
    ReferenceMap,
    default_folder,
    prepare,
    read_reference,
)
from dust3r_sfm.localization.mapping.pose_consistency import Agreed
from dust3r_sfm.localization.mapping.reference_map import Store, preparation_key, save_reference_map
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.types import View


class Counting(StereoRegressor):
    """Counts the photos it encodes and the pairs it matches."""

    encoded = matched = 0

    def encode_each(self, views: Sequence[View]) -> Iterator[tuple[int, Encoding]]:
        self.encoded += len(views)
        return super().encode_each(views)

    def match_features(self, encoding_i: Encoding, encoding_j: Encoding) -> np.ndarray:
        self.matched += 1
        return super().match_features(encoding_i, encoding_j)


def counting() -> Counting:
    return Counting(StereoConfig(long_edge=320, keypoints="sift"))


@pytest.fixture
def copied(posed_room: PosedRoom, prepared: ReferenceMap, tmp_path: Path) -> Path:
    """Room and preparation, to be changed; files as old as they were."""
    return Path(shutil.copytree(posed_room.folder, tmp_path / "room"))


def ready(folder: Path, regressor: Counting, config: PreparationConfig | None = None) -> ReferenceMap:
    return prepare(read_reference(folder / "model"), regressor, folder / "prepared", config)


def test_what_was_prepared_is_taken_up(copied: Path, prepared: ReferenceMap) -> None:
    regressor = counting()
    again = ready(copied, regressor)
    assert (regressor.encoded, regressor.matched) == (0, 0)
    assert np.array_equal(again.descriptors, prepared.descriptors)
    assert again.features is not None
    assert prepared.features is not None
    assert np.array_equal(again.features.points.xyz, prepared.features.points.xyz)
    for first, second in zip(again.features.pixels, prepared.features.pixels, strict=True):
        assert np.array_equal(first, second)
    for first, second in zip(again.encodings, prepared.encodings, strict=True):
        assert first.keys() == second.keys()
        assert all(np.array_equal(first[key], second[key]) for key in first)


def test_what_the_photos_agree_on_is_kept_too(copied: Path, prepared: ReferenceMap) -> None:
    assert prepared.features is not None
    points = prepared.features.points
    poses = np.stack([photo.cam_from_world for photo in prepared.photos])
    elsewhere = replace(points, agreed=Agreed(2 * poses, 3 * points.xyz))
    changed = replace(prepared, features=replace(prepared.features, points=elsewhere))
    key = preparation_key(read_reference(copied / "model"), counting(), PreparationConfig())
    stored = read_arrays(copied / "prepared" / "prepared.safetensors", key)
    assert stored is not None
    keys = text_from_array(stored["encoding_keys"]).split()
    save_reference_map(changed, range(3), keys, Store(copied / "prepared", key))
    again = ready(copied, counting()).features
    assert again is not None
    assert again.points.agreed is not None
    assert np.array_equal(again.points.agreed.cam_from_world, 2 * poses)
    assert np.array_equal(again.points.agreed.xyz, 3 * points.xyz)
    assert np.array_equal(again.points.xyz, points.xyz)


def test_one_changed_photo_is_encoded_again(copied: Path) -> None:
    path = copied / "images" / "0.png"
    Image.open(path).rotate(180).save(path)
    regressor = counting()
    ready(copied, regressor)
    assert regressor.encoded == 1
    assert regressor.matched == 3


def test_another_config_or_pose_is_another_preparation(copied: Path) -> None:
    regressor = counting()
    ready(copied, regressor, PreparationConfig(max_error=0.005))
    assert (regressor.encoded, regressor.matched) == (0, 3)
    model = pycolmap.Reconstruction(str(copied / "model"))
    model.transform(pycolmap.Sim3d(1.0, pycolmap.Rotation3d(), np.array([0.0, 0.0, 1e-6])))
    model.write_text(str(copied / "model"))
    ready(copied, regressor, PreparationConfig(max_error=0.005))
    assert (regressor.encoded, regressor.matched) == (0, 6)


@pytest.mark.parametrize("broken", ["prepared.safetensors", "encodings/00001.safetensors"])
def test_damage_is_mended(broken: str, copied: Path, prepared: ReferenceMap) -> None:
    path = copied / "prepared" / broken
    path.write_bytes(path.read_bytes()[:-100])
    again = ready(copied, counting())
    assert np.array_equal(again.descriptors, prepared.descriptors)


def test_a_photo_that_cannot_be_used_is_left_out(copied: Path, caplog: pytest.LogCaptureFixture) -> None:
    (copied / "images" / "0.png").write_bytes(b"not a picture")
    Image.new("RGB", (100, 100)).save(copied / "images" / "2.png")
    prepared = ready(copied, counting())
    assert [photo.name for photo in prepared.photos] == ["4.png"]
    assert "reference 0.png left out: " in caplog.text
    assert "2.png has 100x100 pixels as it is stored, its camera 320x240" in caplog.text


def test_no_photo_can_be_used(copied: Path) -> None:
    for path in (copied / "images").iterdir():
        path.write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"none of its 3 photos can be used \(0.png: "):
        ready(copied, counting())


def test_where_it_is_kept_unless_told_otherwise(reference: Reference, posed_room: PosedRoom) -> None:
    folder = default_folder(reference, counting())
    assert folder.parent == posed_room.model / ".localization"
    assert folder != default_folder(reference, StereoRegressor(StereoConfig()))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(copied: Path) -> None:
    (copied / "shut").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        prepare(read_reference(copied / "model"), counting(), copied / "shut" / "prepared")
