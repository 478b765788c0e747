"""Pictures of the demo's gallery, which the server makes itself."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from dust3r_sfm.demo.config import DemoConfig
from dust3r_sfm.demo.results import picture_of
from dust3r_sfm.demo.runs.jobs import Job
from dust3r_sfm.errors import InputError


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Of one photo, 3 megapixels with transparency."""
    made = Job(tmp_path)
    Image.new("RGBA", (2000, 1500), (9, 99, 199, 128)).save(made.photos / "a.png")
    made.out.mkdir()
    report = {"images": [{"name": "a.png", "scene": None, "reason": "x"}]}
    (made.out / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return made


def test_photos_are_shown_small(job: Job) -> None:
    found = picture_of(job, 0, "photo", DemoConfig())
    assert found is not None
    with Image.open(BytesIO(found[0])) as picture:
        assert (found[1], picture.size) == ("image/jpeg", (512, 384))
    assert picture_of(job, 0, "depth", DemoConfig()) is None
    assert picture_of(job, 1, "photo", DemoConfig()) is None


def test_a_photo_that_takes_too_much_memory_has_no_picture(job: Job) -> None:
    with pytest.raises(InputError, match=r"a\.png: decoding it takes up to"):
        picture_of(job, 0, "photo", DemoConfig(picture_memory_bytes=50_000_000))
