"""8-bit RGB out of whatever a picture file holds."""

import numpy as np
from jaxtyping import Num
from PIL import Image

_WHITE_LEVELS = (255, 4095, 65535)


def to_rgb(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """8-bit RGB of a loaded picture of any mode, and its alpha channel if some of it is fully
    transparent (a cut-out: there is nothing to see there). Alpha is flattened over white, as paper
    and browsers do; black would put a dark rim on cut-outs.

    Grey of more than 8 bits is scaled so that white (see `white_level`) becomes 255. 16-bit colour
    is always 65535 -> 255: Pillow keeps the high byte only.
    """
    if image.mode.startswith(("I", "F")):
        return _grey_8_bit(np.asarray(image)).convert("RGB"), None
    if not image.has_transparency_data:
        return image.convert("RGB"), None
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    alpha = rgba.getchannel("A")
    cut_out = alpha.getextrema()[0] == 0
    return Image.alpha_composite(white, rgba).convert("RGB"), alpha if cut_out else None


def white_level(values: Num[np.ndarray, "h w"]) -> float:
    """The value that is white: the least of 255, 4095 (12 bits) and 65535 that no pixel exceeds, so a
    12-bit picture in a 16-bit file is not black, and no other stretching takes place. Floats up to
    1 have white 1; values above 65535 are scaled by the highest."""
    highest = float(values.max())
    levels = (1, *_WHITE_LEVELS) if np.issubdtype(values.dtype, np.floating) else _WHITE_LEVELS
    return float(next((level for level in levels if highest <= level), highest))


def _grey_8_bit(values: Num[np.ndarray, "h w"]) -> Image.Image:
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    white = white_level(finite if np.issubdtype(values.dtype, np.floating) else values)
    return Image.fromarray(np.round(np.clip(finite / white, 0.0, 1.0) * 255.0).astype(np.uint8))
