"""Which files are pictures that we read, by their names, and what the others are."""

from pathlib import Path

HEIC_SUFFIXES = frozenset({".heic", ".heif"})
JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".mpo"})
_JPEG_2000 = frozenset({".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"})
_PLAIN = frozenset({".bmp", ".dib", ".pbm", ".pgm", ".pnm", ".ppm"})
SUFFIXES = (
    frozenset({".png", ".tif", ".tiff", ".webp", ".gif", ".avif"})
    | HEIC_SUFFIXES
    | JPEG_SUFFIXES
    | _JPEG_2000
    | _PLAIN
)
"""Of files that are read as photos."""
FORMATS = "JPEG, PNG, TIFF, WebP, BMP, GIF, AVIF, JPEG 2000 or HEIC"
"""The same in words."""

RAW_SUFFIXES = frozenset(
    {".3fr", ".ari", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr"}
    | {".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raf", ".raw"}
    | {".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)
"""Of what sensors saw, before it is a picture."""
_UNREAD = frozenset(
    {".ai", ".cur", ".dds", ".eps", ".exr", ".hdr", ".ico", ".insp", ".jxl", ".jxr", ".pcx", ".pdf", ".psb"}
    | {".psd", ".svg", ".tga", ".wmf", ".xcf"}
)
_VIDEOS = frozenset(
    {".3gp", ".avi", ".insv", ".lrv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"}
    | {".webm", ".wmv"}
)

SYSTEM_FOLDERS = frozenset(
    {"@eadir", "__macosx", "$recycle.bin", "#recycle", "@recycle", "system volume information", "lost+found"}
)
"""In small letters: thumbnails, second copies and deleted things, which systems put beside photos."""

RAW = "raw sensor data, which is not read: develop it to JPEG, PNG or TIFF"
RAW_OF_PHOTO = "raw sensor data of a photo that is there as a picture"
UNREAD = "a picture of a kind that is not read: save it as JPEG, PNG or TIFF"
VIDEO = "a video: dust3r-sfm frames takes photos out of it"
OTHER = "no picture, by its name"
HIDDEN = "hidden"
SYSTEM = "a folder of the system, for thumbnails or deleted files"


def is_photo(path: Path) -> bool:
    """By its suffix."""
    return path.suffix.lower() in SUFFIXES


def why_not_read(path: Path) -> str:
    """What a file is whose suffix is not among `SUFFIXES`."""
    suffix = path.suffix.lower()
    if suffix in RAW_SUFFIXES:
        return RAW
    if suffix in _UNREAD:
        return UNREAD
    return VIDEO if suffix in _VIDEOS else OTHER


def is_video(path: Path) -> bool:
    """By its suffix."""
    return path.suffix.lower() in _VIDEOS
