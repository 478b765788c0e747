"""Learned keypoints lie where the picture has them, in the view's own pixels; fast steps against kornia's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.images import load_color, load_views
from dust3r_sfm.matching.learned import (
    LearnedFeatureConfig,
    LearnedFeatures,
    LearnedNetworks,
    arrays_from_features,
    detect_features,
    features_from_arrays,
    match_learned,
)
from dust3r_sfm.matching.learned import features as features_module
from dust3r_sfm.matching.learned.deformable import DeformableConvolution
from dust3r_sfm.matching.learned.pyramid import describe, pyramid_of, score_map
from dust3r_sfm.synthetic.cameras import arc_cameras
from dust3r_sfm.synthetic.rendering.render import render
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import ImageSpec, View

pytestmark = pytest.mark.learned
CONFIG = LearnedFeatureConfig()
WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    scene = room_scene(0)
    rig = arc_cameras(scene, 1, WIDTH, HEIGHT, 512.0)
    return render(scene, rig.cameras[0], rig.cam_from_world[0]).image


def view_of(image: np.ndarray) -> View:
    return View("rendered", np.ascontiguousarray(image), np.eye(3), (image.shape[1], image.shape[0]))


def detect(networks: LearnedNetworks, view: View, quarter_turns: int = 0) -> LearnedFeatures:
    return detect_features(networks, view, *load_color(view, CONFIG.long_edge_px), CONFIG, quarter_turns)


def matched_pixels(
    networks: LearnedNetworks, features_i: LearnedFeatures, features_j: LearnedFeatures
) -> tuple[np.ndarray, np.ndarray]:
    in_i, in_j = match_learned(networks, features_i, features_j).index_pairs.T
    return features_i.pixels[in_i], features_j.pixels[in_j]


def test_deformable_convolution_is_kornia_s() -> None:
    """With offsets of some pixels, which also lead out of the map."""
    aliked = pytest.importorskip("kornia.feature.aliked.aliked")
    torch.manual_seed(0)
    layer = aliked.DeformableConv2d(8, 6).requires_grad_(False)
    layer.offset_conv.weight *= 6.0
    maps = torch.randn(1, 8, 21, 34)
    torch.testing.assert_close(DeformableConvolution(layer)(maps), layer(maps), atol=2e-4, rtol=0)


@pytest.mark.parametrize("size", [(320, 224), (317, 215)])
def test_scores_and_descriptors_are_kornia_s(
    networks: LearnedNetworks, photo: np.ndarray, size: tuple[int, int]
) -> None:
    """Of both sides a multiple of 32, and of neither."""
    given = torch.from_numpy(photo[: size[1], : size[0]]).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        features, scores = networks.aliked.extract_dense_map(given)
        (relative,), _, _ = networks.aliked.dkd(scores)
        (expected,), _ = networks.aliked.desc_head(features, [relative])
        places = (relative + 1) / 2 * (torch.tensor(size) - 1)
        pyramid = pyramid_of(networks.aliked, given)
        torch.testing.assert_close(score_map(networks.aliked, pyramid), scores, atol=1e-5, rtol=0)
        torch.testing.assert_close(describe(networks.aliked, pyramid, places), expected, atol=1e-4, rtol=0)
    assert len(places) > 100


def blobs(centres: np.ndarray) -> np.ndarray:
    """White blobs on black at continuous pixels."""
    x, y = np.meshgrid(np.arange(160) + 0.5, np.arange(128) + 0.5)
    squared = (x[..., None] - centres[:, 0]) ** 2 + (y[..., None] - centres[:, 1]) ** 2
    white = 255.0 * np.exp(-squared / (2 * 1.5**2)).sum(axis=-1)
    return np.round(white).astype(np.uint8)[..., None].repeat(3, axis=-1)


@pytest.mark.parametrize("quarter_turns", range(4))
def test_keypoints_lie_where_scores_are_greatest(
    networks: LearnedNetworks, monkeypatch: pytest.MonkeyPatch, quarter_turns: int
) -> None:
    """With brightness for a score, blobs are found where they were drawn: in continuous pixels."""
    x, y = np.meshgrid(np.arange(20.0, 150.0, 24.0), np.arange(20.0, 110.0, 24.0))
    centres = np.stack([x, y], axis=-1).reshape(-1, 2) + np.random.default_rng(0).uniform(-4, 4, (x.size, 2))
    image = blobs(centres)
    seen = np.ascontiguousarray(np.rot90(image, quarter_turns))[None, None, ..., 0]
    monkeypatch.setattr(features_module, "score_map", lambda *_: torch.from_numpy(seen).float() / 255.0)
    found = detect(networks, view_of(image), quarter_turns).pixels
    assert len(found) == len(centres)
    nearest = np.linalg.norm(found[:, None] - centres, axis=-1).argmin(axis=0)
    # What is left is kornia's: it refines inside a window of five pixels.
    assert np.abs(found[nearest] - centres).max() < 0.25
    np.testing.assert_allclose((found[nearest] - centres).mean(axis=0), 0.0, atol=0.05)


def test_pixels_scale_with_the_picture(networks: LearnedNetworks, photo: np.ndarray) -> None:
    size = (round(0.7 * WIDTH), round(0.7 * HEIGHT))
    smaller = np.array(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
    pixels, pixels_smaller = matched_pixels(
        networks, detect(networks, view_of(photo)), detect(networks, view_of(smaller))
    )
    missed = pixels_smaller - pixels * 0.7
    assert len(missed) > 150
    assert np.median(np.linalg.norm(missed, axis=1)) < 0.5


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("spec", [ImageSpec(WIDTH), ImageSpec(320, multiple=64)])
def test_pixels_are_the_view_s_however_the_photo_is_stored(
    networks: LearnedNetworks, photo: np.ndarray, tmp_path: Path, orientation: int, spec: ImageSpec
) -> None:
    """Searched at the file's full size: the same keypoints as of the picture that was saved, but for those
    that were cropped off."""
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[orientation]
    stored, exif = Image.fromarray(np.ascontiguousarray(np.rot90(photo, turns))), Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.png", "b.png"):
        stored.save(tmp_path / name, exif=exif)
    view = load_views(tmp_path, spec).views[0]
    found, whole = detect(networks, view), detect(networks, view_of(photo))
    view_from_upright = np.linalg.inv(found.searched_from_view)
    expected = apply_affine(view_from_upright, whole.pixels)
    inside = ((expected >= 0) & (expected < view.size)).all(axis=1)
    np.testing.assert_allclose(found.pixels, expected[inside], atol=1e-9)
    assert found.resolution == pytest.approx(WIDTH / spec.long_edge, rel=0.02)
    assert found.searched_size == (WIDTH, HEIGHT)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3, 5])
def test_a_rolled_photo_is_searched_turned_back(
    networks: LearnedNetworks, photo: np.ndarray, quarter_turns: int
) -> None:
    rolled = np.rot90(photo, -quarter_turns)
    upright, turned = detect(networks, view_of(photo)), detect(networks, view_of(rolled), quarter_turns)
    np.testing.assert_array_equal(turned.descriptors, upright.descriptors)
    np.testing.assert_allclose(apply_affine(turned.searched_from_view, turned.pixels), upright.pixels)
    assert turned.searched_size == (WIDTH, HEIGHT)
    # Pixels are those of the rolled photo, which shows the same colours there.
    column, row = upright.pixels.astype(int).T
    column_rolled, row_rolled = turned.pixels.astype(int).T
    np.testing.assert_array_equal(rolled[row_rolled, column_rolled], photo[row, column])
    assert len(match_learned(networks, upright, turned)) > 0.95 * len(upright)


def test_a_rolled_photo_as_it_stands_is_not_matched(networks: LearnedNetworks, photo: np.ndarray) -> None:
    """Why photos are searched turned at all."""
    rolled = detect(networks, view_of(np.rot90(photo)))
    pixels, pixels_rolled = matched_pixels(networks, detect(networks, view_of(photo)), rolled)
    expected = np.stack([pixels[:, 1], WIDTH - pixels[:, 0]], axis=1)
    assert (np.linalg.norm(pixels_rolled - expected, axis=1) < 3.0).sum() < 20


def test_nothing_is_found_where_the_mask_forbids(networks: LearnedNetworks, photo: np.ndarray) -> None:
    view = view_of(photo)
    mask = np.ones((HEIGHT, WIDTH), dtype=bool)
    mask[:, : WIDTH // 3] = False
    whole, masked = detect(networks, view), detect(networks, replace(view, mask=mask))
    allowed = whole.pixels[:, 0] >= WIDTH // 3
    assert 0 < allowed.sum() < len(allowed)
    np.testing.assert_array_equal(masked.pixels, whole.pixels[allowed])
    # The strongest are chosen among those that may be used.
    few = replace(CONFIG, max_keypoints=20)
    chosen = detect_features(networks, replace(view, mask=mask), *load_color(view, 1024), few)
    np.testing.assert_array_equal(chosen.pixels, masked.pixels[:20])


def test_the_smallest_photo_that_is_read(networks: LearnedNetworks, photo: np.ndarray) -> None:
    found = detect(networks, view_of(photo[200:232, 300:340]))
    assert np.isfinite(found.descriptors).all()
    assert ((found.pixels >= 0) & (found.pixels < [40, 32])).all()


def test_strongest_first(networks: LearnedNetworks, photo: np.ndarray) -> None:
    found = detect(networks, view_of(photo))
    assert len(found) > 100
    assert (np.diff(found.scores) <= 0).all()
    np.testing.assert_allclose(np.linalg.norm(found.descriptors.astype(np.float32), axis=1), 1.0, atol=1e-2)


def test_the_same_again(networks: LearnedNetworks, photo: np.ndarray) -> None:
    first, second = (arrays_from_features(detect(networks, view_of(photo))) for _ in range(2))
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_a_blank_photo_has_few_keypoints_and_no_matches(networks: LearnedNetworks, photo: np.ndarray) -> None:
    blank = detect(networks, view_of(np.full_like(photo, 128)))
    assert len(blank) < 50
    assert len(match_learned(networks, blank, detect(networks, view_of(photo)))) < 5


def test_through_a_file_without_pickle(networks: LearnedNetworks, photo: np.ndarray, tmp_path: Path) -> None:
    features = detect(networks, view_of(photo))
    np.savez(tmp_path / "features.npz", **arrays_from_features(features, "left_"))
    with np.load(tmp_path / "features.npz", allow_pickle=False) as arrays:
        again = features_from_arrays(arrays, "left_")
    assert again.searched_size == features.searched_size
    for name in ("pixels", "descriptors", "scores", "searched_from_view"):
        np.testing.assert_array_equal(getattr(again, name), getattr(features, name))
        assert getattr(again, name).dtype == getattr(features, name).dtype
