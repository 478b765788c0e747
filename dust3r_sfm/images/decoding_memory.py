"""How much memory decoding a picture takes, known from its header, and how much all of them may."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from dust3r_sfm.errors import UnusablePhotoError

_NARROW = {"1": 1, "L": 1, "P": 1}
_WIDE = 4
"""Bytes that Pillow holds a pixel in: what is no grey of 8 or 16 bits takes four."""
_OWN_PICTURE = {"AVIF": 8, "HEIF": 8, "JPEG2000": 16, "TIFF": 4, "WEBP": 8}
"""Bytes a pixel that the format's own decoder holds besides."""
_PROGRESSIVE = 6
"""Of a progressive JPEG, whatever size it is decoded at: two of each channel's coefficients."""
_FLATTENED = 16
"""Of transparency that is laid over white: four pictures."""
_RGB, _RESULT = 4, 8
"""Of the picture as RGB, and of it turned and handed over."""
_BESIDE = 32 * 2**20
"""Bytes besides: strips of deep grey, and what libraries set aside."""


def decoding_bytes(image: Image.Image, opened_size: tuple[int, int], result_size: tuple[int, int]) -> int:
    """At most what loading an opened picture takes until it is RGB of `result_size`, (width, height). A draft
    may have made it smaller since it had `opened_size`."""
    deep = image.mode.startswith(("I", "F"))
    a_pixel = 2 if image.mode.startswith("I;16") else _NARROW.get(image.mode, _WIDE)
    a_pixel += _OWN_PICTURE.get(image.format or "", 0) + _RGB
    a_pixel += 1 if deep else _FLATTENED if image.has_transparency_data else 0
    total = image.width * image.height * a_pixel + result_size[0] * result_size[1] * _RESULT + _BESIDE
    if image.info.get("progressive"):
        total += opened_size[0] * opened_size[1] * _PROGRESSIVE
    return total


class MemoryBudget:
    """Lets threads decode side by side as long as all of them together take no more than `most_bytes`."""

    def __init__(self, most_bytes: int | None = None) -> None:
        self._most = most_bytes
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def held(self, wanted: int) -> Iterator[None]:
        """Waits until there is room. Raises UnusablePhotoError for more than there ever is."""
        most = self._most
        if most is None:
            yield
            return
        if wanted > most:
            raise UnusablePhotoError(
                f"decoding it takes up to {_gib(wanted)} GiB of memory, and {_gib(most)} may be used: "
                "make it smaller, or allow more (--max-memory)"
            )
        with self._changed:
            self._changed.wait_for(lambda: self._held + wanted <= most)
            self._held += wanted
        try:
            yield
        finally:
            with self._changed:
                self._held -= wanted
                self._changed.notify_all()


def _gib(number: int) -> str:
    return f"{number / 2**30:.2g}"
