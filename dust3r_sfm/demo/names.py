"""What uploaded files may be called, and whether they are what they say."""

import os
import unicodedata
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from PIL import Image

from dust3r_sfm.errors import InputError, UnusablePhotoError
from dust3r_sfm.images.decoding import open_picture
from dust3r_sfm.images.kinds import FORMATS, is_photo, is_video

_LONGEST_STEM, _LONGEST_SUFFIX = 200, 20
"""Bytes, of which file systems allow 255: there is room for what is written of a photo."""
_VIDEO_STARTS = (b"\x1a\x45\xdf\xa3", b"RIFF", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"\x30\x26\xb2\x75")
"""Matroska and WebM, AVI, MPEG, Windows Media."""
_BOX = b"ftyp"
"""From the fifth byte of MP4, MOV and HEIC."""


def safe_name(wanted: str, taken: Collection[str]) -> str:
    """A name for a file below a folder: the last part of what is wanted, without what steers terminals or
    hides a file, and unlike those that are taken, whatever the case of letters."""
    last = PurePosixPath(wanted.replace("\\", "/")).name
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    stem, suffix = os.path.splitext(kept.strip(". "))
    stem = _cut(stem.strip(". "), _LONGEST_STEM) or "photo"
    suffix = _cut(suffix.lower(), _LONGEST_SUFFIX)
    used = {name.casefold() for name in taken}
    name, number = stem + suffix, 1
    while name.casefold() in used:
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _cut(text: str, longest: int) -> str:
    """As many whole characters as have so many bytes."""
    return text.encode()[:longest].decode(errors="ignore")


def check_kind(file: Path, name: str) -> None:
    """Raises InputError for what is neither a photo nor a video by its name and its first bytes. Whether a
    picture can be decoded, and in how much memory, the loader finds out."""
    if is_photo(Path(name)):
        _check_picture(file, name)
    elif is_video(Path(name)):
        with file.open("rb") as opened:
            start = opened.read(12)
        if not start.startswith(_VIDEO_STARTS) and start[4:8] != _BOX:
            raise InputError(f"{name}: is called a video and holds none")
    else:
        raise InputError(f"{name}: is neither a photo ({FORMATS}) nor a video, by its name")


def _check_picture(file: Path, name: str) -> None:
    try:
        # Reads the header alone.
        with open_picture(file) as picture:
            size = picture.size
    except UnusablePhotoError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):
            raise InputError(f"{name}: has more pixels than are read; make it smaller") from error
        raise InputError(
            f"{name}: is called a photo and holds no picture that can be read: {error}"
        ) from error
    if Image.MAX_IMAGE_PIXELS is not None and size[0] * size[1] > 2 * Image.MAX_IMAGE_PIXELS:
        raise InputError(f"{name}: has more pixels than are read; make it smaller")
