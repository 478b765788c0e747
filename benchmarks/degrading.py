"""Photos made worse by fixed recipes: with little light, shaken, in other colours. The same photo and recipe
give the same result."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float
from PIL import Image
from scipy.ndimage import convolve

Degradation = Literal["dark", "blur", "recolour"]

Picture = Float[np.ndarray, "h w 3"]
"""RGB as stored, in [0, 1]."""


@dataclass(frozen=True)
class DegradingConfig:
    """How much worse: chosen so that SIFT loses most photos of sevenscenes_redkitchen. With a gain of 0.25
    or 9 px of blur it loses none."""

    gamma: float = 1.4
    """Power that stored values are raised to, which takes most from the shadows."""
    gain: float = 0.1
    """What values are multiplied with then: a twelfth of a usual photo's values is left in the mean."""
    noise: float = 0.015
    """Standard deviation of what is added to each value of a dark photo: 4 of 255, a sensor's at high ISO."""
    blur_share: float = 22 / 640
    """Length of the way that a shaken photo moved, as a share of the long edge."""
    balance: tuple[float, float, float] = (0.3, 0.5, 1.8)
    """Factors of red, green and blue: a blue spotlight."""
    saturation: float = 2.0
    """Factor of how far colours are from gray."""


def degrade_photos(
    images: Path, names: Iterable[str], how: Degradation, folder: Path, config: DegradingConfig
) -> None:
    """Writes each photo made worse into `folder`, as PNG under its whole name."""
    recipe: dict[Degradation, Callable[[Picture, DegradingConfig, np.random.Generator], Picture]] = {
        "dark": darken,
        "blur": shake,
        "recolour": recolour,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        picture = np.asarray(Image.open(images / name).convert("RGB")) / 255.0
        worse = recipe[how](picture, config, np.random.default_rng(zlib.crc32(name.encode())))
        stored = Image.fromarray(np.round(255.0 * np.clip(worse, 0.0, 1.0)).astype(np.uint8))
        stored.save(folder / name, format="PNG")


def darken(picture: Picture, config: DegradingConfig, generator: np.random.Generator) -> Picture:
    dark = config.gain * picture**config.gamma
    return dark + generator.normal(0.0, config.noise, picture.shape)


def shake(picture: Picture, config: DegradingConfig, generator: np.random.Generator) -> Picture:
    """Along a straight way in a direction of its own."""
    length_px = config.blur_share * max(picture.shape[:2])
    angle = generator.uniform(0.0, np.pi)
    return convolve(picture, _way(length_px, angle)[:, :, None], mode="nearest")


def recolour(picture: Picture, config: DegradingConfig, generator: np.random.Generator) -> Picture:
    balanced = picture * np.array(config.balance)
    gray = balanced.mean(axis=-1, keepdims=True)
    return gray + config.saturation * (balanced - gray)


def _way(length_px: float, angle: float) -> Float[np.ndarray, "n n"]:
    """A kernel of sum 1 along a line through the middle, each step shared between the nearest four pixels."""
    reach = int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    steps = np.linspace(-length_px / 2, length_px / 2, 8 * reach)
    places = reach + steps[:, None] * np.array([np.cos(angle), np.sin(angle)])
    corner = np.floor(places).astype(np.int64)
    part = places - corner
    for right in (0, 1):
        for below in (0, 1):
            weight = np.abs(1 - right - part[:, 0]) * np.abs(1 - below - part[:, 1])
            np.add.at(kernel, (corner[:, 1] + below, corner[:, 0] + right), weight)
    return kernel / kernel.sum()
