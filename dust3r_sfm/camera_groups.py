"""Which views were taken by one camera."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from dust3r_sfm.camera_sharing import CameraSharing
from dust3r_sfm.types import View


def _key(view: View, index: int, sharing: CameraSharing) -> tuple[object, ...]:
    """Views with equal keys share a camera. Stored sizes are compared unturned: a camera held upright
    is still the same camera."""
    size = tuple(sorted(view.original_size))
    if sharing == "per-image":
        return (index,)
    if sharing == "per-folder":
        return (str(PurePosixPath(view.name).parent), size)
    return (size,) if sharing == "shared" else (size, view.exif_camera)


def group_cameras(views: Sequence[View], sharing: CameraSharing) -> tuple[int, ...]:
    """The group number of each view. `auto`: one stored size and one EXIF camera share; but photos of
    nearly as many kinds as there are photos come from everywhere, and each has its own camera.
    `shared` still keeps sizes apart, as their pixels cannot be compared."""
    keys = [_key(view, index, sharing) for index, view in enumerate(views)]
    if sharing == "auto" and len(set(keys)) > len(views) / 2:
        keys = [(index,) for index in range(len(views))]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return tuple(numbers[key] for key in keys)
