"""Recipes make photos worse by what they say, the same each time."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from benchmarks.degrading import Degradation, DegradingConfig, darken, degrade_photos, recolour, shake

CONFIG = DegradingConfig()


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_dark_is_gain_and_gamma_and_noise() -> None:
    dark = darken(np.full((60, 80, 3), 0.5), CONFIG, generator())
    assert dark.mean() == pytest.approx(CONFIG.gain * 0.5**CONFIG.gamma, rel=0.01)
    assert dark.std() == pytest.approx(CONFIG.noise, rel=0.05)


def test_a_shaken_point_becomes_a_line_of_equal_light() -> None:
    picture = np.zeros((101, 101, 3))
    picture[50, 50] = 1.0
    line = shake(picture, DegradingConfig(blur_share=0.2), generator())[..., 0]
    rows, columns = np.nonzero(line > 1e-3)
    assert np.hypot(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.2 * 101, abs=3.0)
    assert line.sum() == pytest.approx(1.0)


def test_gray_takes_the_colour_of_the_light() -> None:
    config = DegradingConfig(saturation=1.0)
    found = recolour(np.full((2, 2, 3), 0.5), config, generator())
    np.testing.assert_allclose(found, np.broadcast_to(0.5 * np.array(config.balance), found.shape))


@pytest.mark.parametrize("how", get_args(Degradation))
def test_the_same_photo_gives_the_same_result(how: Degradation, tmp_path: Path) -> None:
    pixels = generator().integers(0, 255, (24, 32, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    for folder in ("first", "again"):
        degrade_photos(tmp_path, ["photo.png"], how, tmp_path / folder, CONFIG)
    first, again = (np.asarray(Image.open(tmp_path / name / "photo.png")) for name in ("first", "again"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, pixels)
