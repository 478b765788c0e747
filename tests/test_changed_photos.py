"""A photo that is exchanged while it is used ends the work by name: no result is a mixture of two."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plane_world import MIXED, plane_scene, write_photos

from dust3r_sfm.errors import InputError
from dust3r_sfm.exporters.colmap_dataset import export_colmap_dataset
from dust3r_sfm.exporters.config import ColmapDataset, ImageForm
from dust3r_sfm.images import load_color, load_gray, load_views
from dust3r_sfm.inference import encode_all
from dust3r_sfm.io.scene_file import load_scene, save_scene
from dust3r_sfm.localization.mapping.photo_views import load_reference_view, with_state
from dust3r_sfm.localization.mapping.reference import PosedPhoto
from dust3r_sfm.pipeline.export import load_saved_scene
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.types import Camera, ImageSpec, View

SPEC = ImageSpec(64)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        noise = np.random.default_rng(seed).integers(0, 256, (96, 128, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "photos" / f"{seed}.png")
    return tmp_path / "photos"


@pytest.fixture
def views(photos: Path) -> tuple[View, ...]:
    return load_views(photos, SPEC).views


def exchange(photos: Path) -> None:
    """1.png and 2.png, which have equal sizes and equal times."""
    times = [(photos / name).stat().st_mtime_ns for name in ("1.png", "2.png")]
    (photos / "1.png").rename(photos / "x")
    (photos / "2.png").rename(photos / "1.png")
    (photos / "x").rename(photos / "2.png")
    for name, time_ns in zip(("1.png", "2.png"), times, strict=True):
        os.utime(photos / name, ns=(time_ns, time_ns))


def test_a_photo_that_is_read_again(photos: Path, views: tuple[View, ...]) -> None:
    exchange(photos)
    for load in (load_gray, load_color):
        load(views[0], 100)
        with pytest.raises(InputError, match=r"1\.png: has changed since it was read"):
            load(views[1], 100)


def test_a_copy_of_the_same_content_is_the_same_photo(photos: Path, views: tuple[View, ...]) -> None:
    before = load_gray(views[1], 100)[0]
    shutil.copy(photos / "1.png", photos / "copy")
    (photos / "copy").replace(photos / "1.png")
    np.testing.assert_array_equal(load_gray(views[1], 100)[0], before)


def test_the_search_for_features(photos: Path, views: tuple[View, ...]) -> None:
    exchange(photos)
    with pytest.raises(InputError, match=r"\.png: has changed"):
        encode_all(StereoRegressor(StereoConfig()), views)


@pytest.mark.parametrize("form", [ImageForm(), ImageForm(long_edge=40)], ids=["as they are", "resized"])
def test_an_export(tmp_path: Path, form: ImageForm) -> None:
    photos = tmp_path / "photos"
    write_photos(photos, MIXED)
    save_scene(plane_scene(photos, MIXED), tmp_path / "scene.npz")
    scene = load_scene(tmp_path / "scene.npz")
    export_colmap_dataset(scene, tmp_path / "first", ColmapDataset(form), Silent())
    changed = scene.views[0].path
    assert changed is not None
    with changed.open("ab") as file:
        file.write(b"one byte more")
    with pytest.raises(InputError, match="has changed since it was used; name the folder"):
        export_colmap_dataset(scene, tmp_path / "second", ColmapDataset(form), Silent())
    # Who names the folder means what is there.
    meant = load_saved_scene(tmp_path / "scene.npz", photos)
    export_colmap_dataset(meant, tmp_path / "third", ColmapDataset(form), Silent())


def test_a_reference_photo(photos: Path) -> None:
    camera = Camera("SIMPLE_PINHOLE", 128, 96, (100.0, 64.0, 48.0))
    photo = with_state(PosedPhoto("1.png", photos / "1.png", camera, np.eye(4)))
    load_reference_view(photo, SPEC)
    shutil.copy(photos / "2.png", photos / "1.png")
    with pytest.raises(InputError, match=r"1\.png: has changed since the references were prepared"):
        load_reference_view(photo, SPEC)
