"""Which size a picture is brought to, how, and what is cut off it, by each of `Framing`.

Sizes are (width, height). The published rules are those of DUSt3R's release (2024).
"""

from dataclasses import dataclass

from PIL import Image

from dust3r_sfm.types import Framing, ImageSpec


@dataclass(frozen=True)
class Frame:
    """Resize the whole picture to `size` with `filter`, then keep `box` (left, top, right, bottom)."""

    size: tuple[int, int]
    filter: Image.Resampling
    box: tuple[int, int, int, int]


def frame_of(size: tuple[int, int], spec: ImageSpec) -> Frame:
    """How a picture of this size becomes the image of a view."""
    resized, chosen = size_before_crop(size, spec)
    if spec.framing is Framing.SQUARE:
        kept = 2 * (min(resized) // 2)
        return Frame(resized, chosen, _around(resized[0] // 2, resized[1] // 2, kept, kept))
    if spec.framing is Framing.FIT:
        width, height = resized
        left, top = (width % spec.multiple) // 2, (height % spec.multiple) // 2
        kept_width, kept_height = width - width % spec.multiple, height - height % spec.multiple
        return Frame(resized, chosen, (left, top, left + kept_width, top + kept_height))
    return Frame(resized, chosen, _published_box(resized, spec))


def size_before_crop(size: tuple[int, int], spec: ImageSpec) -> tuple[tuple[int, int], Image.Resampling]:
    """The size before cropping, and the filter."""
    if spec.framing is Framing.FIT:
        return fit_size(size, spec.long_edge), Image.Resampling.LANCZOS
    long_edge = spec.long_edge
    if spec.framing is Framing.SQUARE:
        long_edge = round(long_edge * max(size) / min(size))
    width, height = (max(1, round(edge * long_edge / max(size))) for edge in size)
    smaller = max(size) > long_edge
    return (width, height), Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC


def fit_size(size: tuple[int, int], long_edge: int) -> tuple[int, int]:
    """The same shape with its long edge at `long_edge` at most, in whole pixels."""
    scale = min(1.0, long_edge / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _published_box(resized: tuple[int, int], spec: ImageSpec) -> tuple[int, int, int, int]:
    """Centre crop to multiples of the patch; the published code also cuts squares to 4:3."""
    x, y = resized[0] // 2, resized[1] // 2
    width, height = (2 * half // spec.multiple * spec.multiple for half in (x, y))
    if spec.cut_squares and resized[0] == resized[1]:
        height = height * 3 // 4
    return _around(x, y, width, height)


def _around(x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
    return x - width // 2, y - height // 2, x - width // 2 + width, y - height // 2 + height
