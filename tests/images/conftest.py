"""A folder of photos made for a test."""

from pathlib import Path

import pytest
from marked_pictures import SavePhoto, marked_picture
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def save(photos: Path) -> SavePhoto:
    """Saves a picture (a marked one if none is given) below `photos`; options are Pillow's."""

    def save_picture(name: str, picture: Image.Image | None = None, **options: object) -> Path:
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".jpg":
            options = {"quality": 95, "subsampling": 0, **options}
        (marked_picture(120, 90) if picture is None else picture).save(path, **options)
        return path

    return save_picture
