"""What a camera makes of light: exposure, a little blur and noise, tone, JPEG."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter


@dataclass(frozen=True)
class SensorConfig:
    """A good phone or compact camera in daylight."""

    blur_px: float = 0.45
    """Of lens, pixel and demosaicing together, as a Gaussian's deviation."""
    read_noise: float = 0.0015
    """Deviation in linear light of black pixels, 1 being white."""
    shot_noise: float = 0.008
    """Deviation of white pixels; others' goes with the square root of their light."""
    middle_grey: float = 0.20
    """The mean linear light that exposure aims at."""
    metering: float = 0.4
    """The share (in logarithms) of the difference to `middle_grey` that exposure follows: 0 leaves each photo
    as it is, 1 makes all equally bright."""
    brightest: float = 0.9
    """Exposure stops before one pixel in a hundred is brighter than this."""
    exposure_spread: float = 0.05
    """Deviation of the logarithm of the exposure from photo to photo besides."""
    white_spread: float = 0.012
    """Deviation of the logarithm of each colour's gain: white balance wanders."""
    vignetting: float = 0.12
    """The share of light lost in the corners."""
    jpeg_quality: int = 92
    """As cameras write."""


def develop(
    light: Float[np.ndarray, "h w 3"], rng: np.random.Generator, config: SensorConfig = SensorConfig()
) -> UInt8[np.ndarray, "h w 3"]:
    """An sRGB-like image of linear light; noise, exposure and white balance are drawn from `rng`."""
    height, width = light.shape[:2]
    x, y = np.meshgrid(np.linspace(-1.0, 1.0, width), np.linspace(-1.0, 1.0, height))
    falloff = 1.0 - config.vignetting * (x * x + y * y) / 2.0
    level = config.metering * np.log(config.middle_grey / max(float(light.mean()), 1e-4))
    level = min(level, np.log(config.brightest / float(np.quantile(light, 0.99))))
    gain = np.exp(level + rng.normal(0.0, config.exposure_spread) + rng.normal(0.0, config.white_spread, 3))
    seen = gaussian_filter(light, (config.blur_px, config.blur_px, 0.0)) * falloff[..., None] * gain
    deviation = np.sqrt(config.read_noise**2 + config.shot_noise**2 * seen)
    seen = seen + deviation * rng.standard_normal(seen.shape, dtype=np.float32)
    # a shoulder: highlights are pressed together instead of cut off
    toned = np.where(seen > 0.6, 0.6 + 0.4 * np.tanh((seen - 0.6) / 0.4), seen)
    return (np.clip(toned, 0.0, 1.0) ** (1.0 / 2.2) * 255.0 + 0.5).astype(np.uint8)


def write_jpeg(path: Path, image: UInt8[np.ndarray, "h w 3"], config: SensorConfig = SensorConfig()) -> None:
    """Without EXIF: nothing tells the focal."""
    Image.fromarray(image).save(path, quality=config.jpeg_quality)
