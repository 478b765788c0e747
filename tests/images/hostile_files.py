"""Hostile inputs as tables: pictures of every format, damaged in known ways, and names that trip programs.
Everything is generated; nothing is copied from anywhere."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "tiff": ("TIFF", {}),
    "tiff_lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff_deflate": ("TIFF", {"compression": "tiff_deflate"}),
    "png": ("PNG", {}),
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "webp": ("WEBP", {}),
    "bmp": ("BMP", {}),
    "gif": ("GIF", {}),
    "avif": ("AVIF", {}),
    "jpeg_2000": ("JPEG2000", {}),
    "ppm": ("PPM", {}),
    "mpo": ("MPO", {}),
}
"""Name -> Pillow's format and options."""


def encoded(kind: str, size: tuple[int, int] = (64, 48), seed: int = 0) -> bytes:
    """A picture of noise in one of `FORMATS`."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    name, options = FORMATS[kind]
    file = io.BytesIO()
    Image.fromarray(values).save(file, name, **options)
    return file.getvalue()


def large(kind: str, size: tuple[int, int]) -> bytes:
    """A picture that is coded quickly for its size."""
    values = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    name, options = FORMATS[kind]
    file = io.BytesIO()
    Image.fromarray(values).resize(size).save(file, name, **options)
    return file.getvalue()


def damaged(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """The file with one to three bits turned, mostly in its header, and every tenth cut short."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        broken = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            end = min(len(data), 400) if rng.random() < 0.7 else len(data)
            broken[rng.integers(0, end)] ^= 1 << int(rng.integers(0, 8))
        yield bytes(broken[: rng.integers(0, len(data))] if number % 10 == 9 else broken)


def every_bit_turned(data: bytes, start: int, stop: int) -> Iterator[bytes]:
    """The file with one bit turned, for each of those between two bytes."""
    for at in range(start, min(stop, len(data))):
        for bit in range(8):
            broken = bytearray(data)
            broken[at] ^= 1 << bit
            yield bytes(broken)


def deep_tiff(size: tuple[int, int]) -> bytes:
    """A small file of a large picture: floats that are all alike, packed."""
    file = io.BytesIO()
    Image.new("F", size, 0.5).save(file, "TIFF", compression="tiff_deflate")
    return file.getvalue()


NAMES: dict[bytes, str | None] = {
    b"IMG_0001.jpg": None,
    b"caf\xc3\xa9 nfc.jpg": None,
    "cafe\u0301 nfd.jpg".encode(): None,
    "новая папка/фото «1»\u3000全角.jpeg".encode(): None,
    b"#1 [bold]x[/bold] 100%.jpg": None,
    b"-o --help.jpg": None,
    b"a.jpg.npz.jpg": None,
    b"x" * 236 + b".jpg": None,
    b"x" * 241 + b".jpg": "too long",
    b"x" * 251 + b".jpg": "too long",
    "é".encode() * 120 + b".jpg": "too long",
    b"y" * 255 + b"/0.jpg": None,
    b"caf\xe9.jpg": "UTF-8",
    b"\xff\xfe/0.jpg": "UTF-8",
    b"\xed\xa0\x80.jpg": "UTF-8",
    b"two\nlines.jpg": "line break",
    b"\x1b[31mred.jpg": "control character",
    b"bell\x07.jpg": "control character",
    b"tab\t.jpg": "control character",
    "next\u0085line.jpg".encode(): "line break",
    "par\u2029agraph.jpg".encode(): "line break",
    b"00.jpg": None,
    b"00.jpg.npz/1.jpg": "its folder is called as a file that is written of 00.jpg",
    b"00.jpg.depth.png/sub/1.jpg": "its folder is called as a file that is written of 00.jpg",
    b"01.jpg.npz/1.jpg": None,
}
"""Name of a photo, as bytes of the file system -> what must be said of it; None where it can be used."""
