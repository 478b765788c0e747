"""Reference photos, read again and again while new photos are placed: they must stay the same."""

from dataclasses import replace
from pathlib import Path

from dust3r_sfm.errors import InputError
from dust3r_sfm.images import load_view
from dust3r_sfm.localization.mapping.reference import PosedPhoto
from dust3r_sfm.types import ImageSpec, View


def with_state(photo: PosedPhoto) -> PosedPhoto:
    """The photo with the state its file is in. Raises InputError where it is gone."""
    return replace(photo, state=file_state(photo.path))


def load_reference_view(photo: PosedPhoto, spec: ImageSpec) -> View:
    """Raises InputError where it cannot be read any more, or was changed since it was prepared."""
    try:
        view = load_view(photo.path, spec)
    except InputError as error:
        raise InputError(f"{error} (a reference photo: leave it in place)") from error
    if photo.state is not None and file_state(photo.path) != photo.state:
        raise InputError(
            f"{photo.path}: has changed since the references were prepared; leave reference photos as they "
            "are, and run again"
        )
    return view


def file_state(path: Path) -> tuple[int, int]:
    """Size in bytes, and time of change in nanoseconds. Raises InputError for a file that is gone."""
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); leave reference photos in place"
        ) from error
    return status.st_size, status.st_mtime_ns
