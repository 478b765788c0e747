"""What EXIF tells of a photo: which way is up, a focal length to start from, which camera took it.

Tags and units: CIPA DC-008 (Exif 2.32). Cameras and editors write them carelessly, so each value is
checked, and one that cannot be true counts as missing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

_MAKE, _MODEL, _ORIENTATION, _EXIF_IFD, _GPS_IFD = 271, 272, 274, 0x8769, 0x8825
_SOUTH_NORTH, _LATITUDE, _WEST_EAST, _LONGITUDE, _BELOW_SEA, _ALTITUDE = 1, 2, 3, 4, 5, 6
_FOCAL_MM, _FOCAL_35MM, _SERIAL = 37386, 41989, 42033
_PLANE_X_RESOLUTION, _PLANE_UNIT, _PIXEL_WIDTH, _PIXEL_HEIGHT = 41486, 41488, 40962, 40963
_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
_MM_OF_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_INCH = 2


@dataclass(frozen=True)
class Exif:
    """`orientation` is 1 to 8 (1: stored upright). `focal_diagonals` is the focal length in diagonals
    of the picture, which holds at every resolution. `camera` names body and focal length. `position` is
    latitude and longitude in degrees and height above the sea in metres, None where it is missing."""

    orientation: int = 1
    focal_diagonals: float | None = None
    camera: str | None = None
    position: tuple[float, float, float | None] | None = None


def read_exif(image: Image.Image) -> Exif:
    """The facts in an opened picture's EXIF; those of `Exif()` where there is none or it is broken."""
    try:
        block = image.getexif()
        tags, gps = {**block, **block.get_ifd(_EXIF_IFD)}, dict(block.get_ifd(_GPS_IFD))
    # Pillow raises whatever comes of a broken block, and a photo is none the worse for it.
    except Exception:  # noqa: BLE001
        return Exif()
    return replace(exif_from_tags(tags, image.size), position=position_from_tags(gps))


def exif_from_tags(
    tags: Mapping[int, object], size: tuple[int, int], plausible_diagonals: tuple[float, float] = (0.1, 50.0)
) -> Exif:
    """The facts in the tags of IFD0 and the Exif IFD together; `size` is the picture's (width, height). A
    focal length that is not within `plausible_diagonals` of it is a mistake: no lens has one."""
    orientation = tags.get(_ORIENTATION)
    return Exif(
        orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        _focal_diagonals(tags, size, plausible_diagonals),
        _camera(tags),
    )


def position_from_tags(gps: Mapping[int, object]) -> tuple[float, float, float | None] | None:
    """Latitude, longitude and height in the tags of the GPS IFD."""
    latitude = _angle_deg(gps.get(_LATITUDE), gps.get(_SOUTH_NORTH), "NS", 90.0)
    longitude = _angle_deg(gps.get(_LONGITUDE), gps.get(_WEST_EAST), "EW", 180.0)
    if latitude is None or longitude is None:
        return None
    height = _number(gps.get(_ALTITUDE))
    if height is not None and gps.get(_BELOW_SEA) in (1, b"\x01"):
        height = -height
    return latitude, longitude, height


def _angle_deg(value: object, sign: object, signs: str, most: float) -> float | None:
    """Degrees, minutes and seconds as degrees; south and west are negative."""
    if not isinstance(value, Sequence) or len(value) != 3 or sign not in tuple(signs):
        return None
    parts = [_number(part) for part in value]
    if any(part is None or part < 0 for part in parts):
        return None
    angle = sum(part / 60**k for k, part in enumerate(parts) if part is not None)
    return (angle if sign == signs[0] else -angle) if angle <= most else None


def _focal_diagonals(
    tags: Mapping[int, object], size: tuple[int, int], plausible: tuple[float, float]
) -> float | None:
    """The 35 mm equivalent over the diagonal of 35 mm film (43.27 mm), else the focal length on a
    sensor whose pixel pitch the focal plane resolution gives."""
    low, high = plausible
    for focal in (_focal_from_35mm(tags), _focal_from_plane(tags, size)):
        if focal is not None and low <= focal <= high:
            return focal
    return None


def _focal_from_35mm(tags: Mapping[int, object]) -> float | None:
    focal_mm = _positive(tags.get(_FOCAL_35MM))
    return None if focal_mm is None else focal_mm / _FILM_DIAGONAL_MM


def _focal_from_plane(tags: Mapping[int, object], size: tuple[int, int]) -> float | None:
    focal_mm = _positive(tags.get(_FOCAL_MM))
    resolution = _positive(tags.get(_PLANE_X_RESOLUTION))
    unit_mm = _MM_OF_UNIT.get(_unit(tags.get(_PLANE_UNIT)))
    if focal_mm is None or resolution is None or unit_mm is None:
        return None
    # The resolution is that of the sensor: a photo made smaller since still has its first size here.
    width = _positive(tags.get(_PIXEL_WIDTH)) or size[0]
    height = _positive(tags.get(_PIXEL_HEIGHT)) or size[1]
    return focal_mm * resolution / unit_mm / math.hypot(width, height)


def _unit(value: object) -> int:
    """The unit's code: inches where the tag is missing, as the standard says."""
    if value is None:
        return _INCH
    return value if isinstance(value, int) else 0


def _camera(tags: Mapping[int, object]) -> str | None:
    body = [text for tag in (_MAKE, _MODEL) if (text := _text(tags.get(tag)))]
    if not body:
        return None
    focal_mm = _positive(tags.get(_FOCAL_MM)) or _positive(tags.get(_FOCAL_35MM))
    focal = [] if focal_mm is None else [f"{focal_mm:g} mm"]
    serial = _text(tags.get(_SERIAL))
    return " ".join(body + focal + ([serial] if serial else []))


def _positive(value: object) -> float | None:
    """As `_number`, where it is above 0."""
    number = _number(value)
    return number if number is not None and number > 0 else None


def _number(value: object) -> float | None:
    """A rational, integer or float as a finite number; None for 0/0, text and other garbage."""
    if not isinstance(value, int | float) and not hasattr(value, "__float__"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str:
    return " ".join(value.replace("\0", " ").split()) if isinstance(value, str) else ""
