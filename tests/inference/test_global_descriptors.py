"""Global descriptors out of encodings: of views that look alike, kept and taken up again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from dust3r_sfm.errors import InputError
from dust3r_sfm.inference import global_descriptors, require_descriptors
from dust3r_sfm.inference.encodings import encode_all
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.protocol import DescribesImages, PointmapRegressor
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.retrieval import VladConfig
from dust3r_sfm.types import ImageSpec, Pair, View

CONFIG = VladConfig(words=1, dimensions=3)
"""One word: the mean of each view, off that of all."""


@dataclass
class Undescribing:
    """Encodes a view as its pixels; the rest of a regressor is never asked for."""

    version: str = "1"
    name: str = "pixels"
    batch_images: int = 4
    sees_single_images: bool = False
    metric: bool = False
    image_spec: ImageSpec = field(default_factory=lambda: ImageSpec(8))

    def fingerprint(self) -> str:
        return self.version

    def shared_by_pairs(self, views: Sequence[View], pairs: Sequence[Pair]) -> str:
        return ""

    def encode(self, views: Sequence[View]) -> list[Mapping[str, np.ndarray]]:
        return [{"pixels": view.image.reshape(-1, 3)} for view in views]

    def predict(self, *arguments: object) -> None:
        raise AssertionError


class Describing(Undescribing):
    described = 0

    def local_descriptors(self, encoding: Mapping[str, np.ndarray]) -> np.ndarray:
        self.described += 1
        return encoding["pixels"].astype(np.float32)


@pytest.fixture
def views() -> list[View]:
    """Two red ones, two green ones, two blue ones; the first of each, then the second."""
    random = np.random.default_rng(0)
    images = random.integers(0, 60, (6, 8, 8, 3), np.uint8)
    for k, image in enumerate(images):
        image[..., k % 3] += 150
    return [View(f"{k}.jpg", image, np.eye(3), (8, 8)) for k, image in enumerate(images)]


def described(regressor: Undescribing, views: list[View], folder: Path | None = None) -> np.ndarray:
    encodings = encode_all(regressor, views, folder, 10**6, Silent())
    return global_descriptors(regressor, views, encodings, CONFIG, folder)


def test_alike_views_are_near(views: list[View]) -> None:
    found = described(Describing(), views)
    similarity = found @ found.T - 2 * np.eye(6)
    assert similarity.argmax(axis=1).tolist() == [3, 4, 5, 0, 1, 2]


def test_descriptors_are_kept_with_what_they_depend_on(views: list[View], tmp_path: Path) -> None:
    first = described(Describing(), views, tmp_path)
    again, other = Describing(), Describing("2")
    np.testing.assert_array_equal(described(again, views, tmp_path), first)
    assert again.described == 0
    described(other, views, tmp_path)
    assert other.described > 0
    fewer = described(Describing("2"), views[:5], tmp_path)
    assert len(fewer) == 5


def test_a_regressor_that_cannot_is_named(views: list[View]) -> None:
    with pytest.raises(InputError, match="regressor pixels: cannot tell which photos look alike"):
        described(Undescribing(), views)


def test_stereo_describes_images() -> None:
    regressor = StereoRegressor(StereoConfig())
    assert isinstance(regressor, PointmapRegressor)
    assert isinstance(regressor, DescribesImages)
    assert require_descriptors(regressor) is regressor
