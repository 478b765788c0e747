"""Features lie where the picture has them, in the view's own pixels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.images import load_views
from dust3r_sfm.regressors.protocol import Encoding
from dust3r_sfm.regressors.stereo.features import (
    FeatureConfig,
    encode_each,
    features_from_encoding,
    root_sift,
)
from dust3r_sfm.types import ImageSpec, View

WIDTH, HEIGHT = 480, 360
CONFIG = FeatureConfig()


def blob_centres() -> np.ndarray:
    """Continuous pixels of the blobs: on a jittered grid, so that no two touch."""
    x, y = np.meshgrid(np.arange(40.0, WIDTH - 30, 44.0), np.arange(36.0, HEIGHT - 30, 44.0))
    grid = np.stack([x.ravel(), y.ravel()], axis=-1)
    return grid + np.random.default_rng(0).uniform(-7, 7, grid.shape)


def blobs() -> np.ndarray:
    """Bright Gaussian blobs on grey; the kind SIFT finds the very centre of."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    image = np.full((HEIGHT, WIDTH), 90.0)
    for u, v in blob_centres():
        image += 140 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 4.0**2))
    return np.round(image).clip(0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)


def encodings_of(views: list[View], config: FeatureConfig) -> list[Encoding]:
    """In the order of the views."""
    return [encoding for _, encoding in sorted(encode_each(views, config), key=lambda found: found[0])]


def in_memory(image: np.ndarray) -> View:
    return View("a", image, np.eye(3), (image.shape[1], image.shape[0]))


def distance_to_nearest(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - targets, axis=-1).min(axis=1)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("spec", [ImageSpec(480), ImageSpec(200), ImageSpec(200, multiple=32)])
def test_blobs_are_found_in_view_pixels_however_the_photo_is_stored(
    tmp_path: Path, orientation: int, spec: ImageSpec
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.png", "b.png"):
        Image.fromarray(blobs()).save(tmp_path / name, exif=exif)
    view = load_views(tmp_path, spec).views[0]
    found = features_from_encoding(encodings_of([view], CONFIG)[0])
    centres = apply_affine(view.pixel_from_original, blob_centres())
    visible = centres[((centres > 4) & (centres < np.array(view.size) - 4)).all(axis=1)]
    view_from_original = np.sqrt(abs(np.linalg.det(view.pixel_from_original[:2, :2])))
    assert len(visible) > 30
    assert (distance_to_nearest(visible, found.pixels) < 0.25 * view_from_original).mean() > 0.95
    assert ((found.pixels >= 0) & (found.pixels < view.size)).all()
    assert found.resolution == pytest.approx(1 / view_from_original, rel=0.01)
    assert found.descriptors.shape == (len(found.pixels), 128)


def test_nothing_is_found_where_the_mask_forbids() -> None:
    view = in_memory(blobs())
    mask = np.ones((HEIGHT, WIDTH), dtype=bool)
    mask[:, : WIDTH // 3] = False
    whole, masked = (
        features_from_encoding(e) for e in encodings_of([view, replace(view, mask=mask)], CONFIG)
    )
    allowed = whole.pixels[:, 0] >= WIDTH // 3
    assert 0 < allowed.sum() < len(allowed)
    np.testing.assert_array_equal(masked.pixels, whole.pixels[allowed])
    np.testing.assert_array_equal(masked.descriptors, whole.descriptors[allowed])


def test_features_do_not_depend_on_the_batch() -> None:
    """Large photos and small ones are searched in two groups, and come back in the order given."""
    rng = np.random.default_rng(0)
    grainy = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8)).resize((WIDTH, HEIGHT))
    views = [in_memory(blobs()), in_memory(np.array(grainy)), in_memory(blobs()[::-1].copy())]
    config = FeatureConfig(fine_below_px=400)
    views.insert(1, in_memory(blobs()[:300, :390].copy()))
    together = encodings_of(views, config)
    alone = [encodings_of([view], config)[0] for view in views]
    for a, b in zip(together, alone, strict=True):
        assert len(a["pixels"]) > 0
        for key in ("pixels", "descriptors", "resolution"):
            np.testing.assert_array_equal(a[key], b[key])


def test_a_blank_photo_has_no_features() -> None:
    blank = in_memory(np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    found = features_from_encoding(encodings_of([blank], CONFIG)[0])
    assert found.pixels.shape == (0, 2)
    assert found.descriptors.shape == (0, 128)


def test_small_photos_are_searched_at_double_size() -> None:
    view = in_memory(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8))
    fine, coarse = (
        len(encodings_of([view], FeatureConfig(fine_below_px=limit))[0]["pixels"]) for limit in (200, 100)
    )
    assert fine > 1.5 * coarse > 0


def test_root_sift_distances_are_hellinger_s() -> None:
    counts = np.random.default_rng(0).integers(0, 200, (5, 128)).astype(np.uint8)
    counts[4] = 0
    found = root_sift(counts)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 1, 0], atol=1e-6)
    p, q = (counts[k] / counts[k].sum(dtype=np.int64) for k in (0, 1))
    squared = ((np.sqrt(p) - np.sqrt(q)) ** 2).sum()
    assert ((found[0] - found[1]) ** 2).sum() == pytest.approx(squared, rel=1e-5)
