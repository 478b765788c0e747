"""8-bit RGB out of whatever a picture file holds."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Num
from PIL import Image

_WHITE_LEVELS = (255, 4095, 65535)
_PIXELS_AT_ONCE = 2**20
"""Of deep grey that is scaled: as doubles they take a few tens of bytes each."""


def to_rgb(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """8-bit RGB of a loaded picture of any mode, and its alpha channel if some of it is fully
    transparent (a cut-out: there is nothing to see there). Alpha is flattened over white, as paper
    and browsers do; black would put a dark rim on cut-outs.

    Grey of more than 8 bits is scaled so that white (see `white_level`) becomes 255. 16-bit colour
    is always 65535 -> 255: Pillow keeps the high byte only.
    """
    if image.mode.startswith(("I", "F")):
        return _grey_8_bit(image).convert("RGB"), None
    if not image.has_transparency_data:
        return image.convert("RGB"), None
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    alpha = rgba.getchannel("A")
    cut_out = alpha.getextrema()[0] == 0
    return Image.alpha_composite(white, rgba).convert("RGB"), alpha if cut_out else None


def white_level(highest: float, is_floating: bool) -> float:
    """The value that is white, given the highest there is: the least of 255, 4095 (12 bits) and 65535 that is
    not exceeded, so a 12-bit picture in a 16-bit file is not black, and no other stretching takes place.
    Floats up to 1 have white 1; values above 65535 are scaled by the highest."""
    levels = (1, *_WHITE_LEVELS) if is_floating else _WHITE_LEVELS
    return float(next((level for level in levels if highest <= level), highest))


def _grey_8_bit(image: Image.Image) -> Image.Image:
    """Row by row, as doubles of the whole would take many times its memory."""
    is_floating = image.mode.startswith("F")
    white = white_level(max(float(rows.max()) for _, rows in _strips(image)), is_floating)
    grey = Image.new("L", image.size)
    for top, rows in _strips(image):
        scaled = np.round(np.clip(rows / white, 0.0, 1.0) * 255.0).astype(np.uint8)
        grey.paste(Image.fromarray(scaled), (0, top))
    return grey


def _strips(image: Image.Image) -> Iterator[tuple[int, Num[np.ndarray, "r w"]]]:
    """The first row of each strip, and its values, 0 where they are none."""
    rows = max(1, _PIXELS_AT_ONCE // image.width)
    for top in range(0, image.height, rows):
        strip = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))))
        yield top, np.nan_to_num(strip.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
