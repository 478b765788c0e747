"""Reference sets out of transforms.json, as nerfstudio and instant-ngp write it: cameras without points."""

from pathlib import Path

from PIL import Image

from dust3r_sfm.errors import InputError, UnusablePhotoError
from dust3r_sfm.images.decoding import open_picture
from dust3r_sfm.io.transforms_json import camera_of_fields, read_transforms, size_of_fields
from dust3r_sfm.localization.mapping.photo_files import find_listed_photos
from dust3r_sfm.localization.mapping.reference import PosedPhoto, Reference


def read_nerfstudio_set(file: Path, images: Path | None = None) -> Reference:
    """The world is that of the file, whatever transform made it. Raises InputError for a file that cannot
    be read, a camera model that is not known, or photos that are not there."""
    written = read_transforms(file)
    names = _with_suffixes(list(written.fields), file.parent if images is None else images)
    files, lost = find_listed_photos(list(names), file.parent, images, {})
    photos, skipped = [], dict(lost)
    for name, path in files.items():
        fields = written.fields[names[name]]
        try:
            camera = camera_of_fields(fields, size_of_fields(fields) or _stored_size(path))
            photos.append(PosedPhoto(name, path, camera, written.cam_from_world[names[name]]))
        except UnusablePhotoError as error:
            skipped[name] = str(error)
        except ValueError as error:
            raise InputError(f"{file}: the camera of {name} is not understood: {error}") from error
    return Reference(file, tuple(photos), skipped=skipped)


def _with_suffixes(names: list[str], folder: Path) -> dict[str, str]:
    """File name -> name in the file: instant-ngp's synthetic sets leave .png off."""
    return {(n if Path(n).suffix or not (folder / f"{n}.png").is_file() else f"{n}.png"): n for n in names}


def _stored_size(path: Path) -> tuple[int, int]:
    image: Image.Image
    with open_picture(path) as image:
        return image.size
