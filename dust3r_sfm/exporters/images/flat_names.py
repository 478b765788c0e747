"""File names that every trainer takes, made of photo names that many do not."""

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from dust3r_sfm.images.kinds import HEIC_SUFFIXES, JPEG_SUFFIXES

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_JPEG_LIKE = JPEG_SUFFIXES | HEIC_SUFFIXES
_LONGEST_STEM = 120
"""Bytes of a name, with room for a suffix and a folder: file systems allow 255."""
_DIGEST = 16
"""Digits of it: 64 bits tell any number of photos apart."""


def flat_names(names: Sequence[str]) -> tuple[str, ...]:
    """For each photo name (unique; a path with slashes) a name of an image file, in the same order.

    Letters, digits, - and _ stay; every other byte of the UTF-8 form becomes =XX, as in quoted-printable:
    "day 1/é.png" gives "day=201=2F=C3=A9.png". Dots and slashes count as others, as some loaders cut
    names at the first dot or the last slash. The suffix is .jpg for what cameras compress and .png for
    the rest. Stems differ, also without regard to case; one that would not gets =N appended, and a very
    long one is cut and gets a digest: who wants the original name back keeps the two lists together.
    """
    taken: set[str] = set()
    flat = []
    for name in names:
        path = PurePosixPath(name)
        suffix = ".jpg" if path.suffix.lower() in _JPEG_LIKE else ".png"
        plain = _shorten(_escape(str(path.with_suffix(""))), name)
        stem, count = plain, 1
        while stem.lower() in taken:
            count += 1
            stem = f"{plain}={count}"
        taken.add(stem.lower())
        flat.append(stem + suffix)
    return tuple(flat)


def _escape(text: str) -> str:
    # Names of files may hold bytes that are no UTF-8, which Python carries as lone surrogates.
    encoded = text.encode("utf-8", errors="surrogateescape")
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"={byte:02X}" for byte in encoded)


def _shorten(stem: str, name: str) -> str:
    if len(stem) <= _LONGEST_STEM:
        return stem
    digest = hashlib.sha256(name.encode("utf-8", errors="surrogateescape")).hexdigest()[:_DIGEST]
    return f"{stem[:_LONGEST_STEM]}={digest}"
