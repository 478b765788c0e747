"""What uploaded files may be called, and whether they are what they say."""

import os
import unicodedata
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from PIL import Image

from dust3r_sfm.errors import InputError
from dust3r_sfm.images.kinds import FORMATS, HEIC_SUFFIXES, is_photo, is_video

_LONGEST_STEM = 80
"""Characters: short enough for whatever is written of a photo."""
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
    stem = stem.strip(". ")[:_LONGEST_STEM] or "photo"
    used = {name.casefold() for name in taken}
    name, number = stem + suffix.lower(), 1
    while name.casefold() in used:
        number += 1
        name = f"{stem}-{number}{suffix.lower()}"
    return name


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
    if Path(name).suffix in HEIC_SUFFIXES:
        return
    try:
        # Reads the header alone.
        with Image.open(file) as picture:
            size = picture.size
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: has more pixels than are read; make it smaller") from error
    except Exception as error:
        # What a decoder raises over a file that somebody sends is nobody's to foresee.
        raise InputError(f"{name}: is called a photo and holds no picture ({FORMATS})") from error
    if Image.MAX_IMAGE_PIXELS is not None and size[0] * size[1] > 2 * Image.MAX_IMAGE_PIXELS:
        raise InputError(f"{name}: has more pixels than are read; make it smaller")
