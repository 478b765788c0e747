"""Fast reciprocal matching against all distances, and on maps whose matches are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from dust3r_sfm.matching import MatchingConfig, match_descriptor_maps, match_pointmaps
from dust3r_sfm.matching.descriptors import most_similar
from dust3r_sfm.matching.pointmaps import nearest_by_distance
from dust3r_sfm.matching.reciprocal import grid_seeds, seeds_among
from dust3r_sfm.matching.subpixel import subpixel_shift

UNGATED = MatchingConfig(descriptor_confidence=0.0, point_confidence=1.0, point_distance=9e9, subpixel=False)
EVERY = replace(UNGATED, stride=1, most=10**9)
SHAPES = (17, 23), (19, 12)


def unit_maps(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    maps = [torch.randn(*shape, 6, generator=generator) for shape in SHAPES]
    return maps[0] / maps[0].norm(dim=-1, keepdim=True), maps[1] / maps[1].norm(dim=-1, keepdim=True)


def point_maps(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.rand(*shape, 3, generator=generator) for shape in SHAPES)
    return first, second


def ones_like(maps: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.full(maps[0].shape[:2], 5.0), torch.full(maps[1].shape[:2], 5.0)


def mutual_by_brute_force(distance: np.ndarray) -> set[tuple[int, int]]:
    """Each the other's nearest, out of the whole table."""
    of_i, of_j = distance.argmin(axis=1), distance.argmin(axis=0)
    return {(i, int(j)) for i, j in enumerate(of_i) if of_j[j] == i}


def flat_pairs(found, widths=(23, 12)) -> set[tuple[int, int]]:
    """The pixels of correspondences as flat indices."""
    (x_i, y_i), (x_j, y_j) = (np.floor(p).astype(int).T for p in (found.pixels_i, found.pixels_j))
    return set(zip((y_i * widths[0] + x_i).tolist(), (y_j * widths[1] + x_j).tolist(), strict=True))


def table_of_similarity(maps: tuple[torch.Tensor, torch.Tensor]) -> np.ndarray:
    return -(maps[0].flatten(0, 1) @ maps[1].flatten(0, 1).T).numpy()


def table_of_distance(maps: tuple[torch.Tensor, torch.Tensor]) -> np.ndarray:
    first, second = (m.flatten(0, 1).double().numpy() for m in maps)
    return np.linalg.norm(first[:, None] - second[None], axis=-1)


@pytest.mark.parametrize("seed", range(3))
def test_from_every_pixel_all_reciprocal_descriptors_are_found(seed: int) -> None:
    maps = unit_maps(seed)
    found = match_descriptor_maps(*maps, *ones_like(maps), EVERY)
    truth = mutual_by_brute_force(table_of_similarity(maps))
    assert len(truth) > 50
    assert flat_pairs(found) == truth
    assert len(found) == len(truth)


@pytest.mark.parametrize("seed", range(3))
def test_from_every_pixel_all_reciprocal_points_are_found(seed: int) -> None:
    maps = point_maps(seed)
    found = match_pointmaps(*maps, *ones_like(maps), EVERY)
    truth = mutual_by_brute_force(table_of_distance(maps))
    assert len(truth) > 50
    assert flat_pairs(found) == truth


@pytest.mark.parametrize("stride", [2, 5, 8, 40])
def test_from_few_seeds_only_reciprocal_ones_are_found(stride: int) -> None:
    few = replace(UNGATED, stride=stride)
    maps = unit_maps(3)
    found = flat_pairs(match_descriptor_maps(*maps, *ones_like(maps), few))
    assert found
    assert found <= mutual_by_brute_force(table_of_similarity(maps))
    maps = point_maps(3)
    found = flat_pairs(match_pointmaps(*maps, *ones_like(maps), few))
    assert found
    assert found <= mutual_by_brute_force(table_of_distance(maps))


def test_blocks_of_any_size_give_the_same() -> None:
    maps = unit_maps(4)
    queries, descriptors = maps[0].flatten(0, 1), maps[1].flatten(0, 1)
    whole = most_similar(queries, descriptors, 1000)
    for rows in (1, 2, 7):
        assert torch.equal(most_similar(queries, descriptors, rows), whole)


def test_all_distances_agree_with_the_tree() -> None:
    """What runs on a GPU, against what runs on a CPU: points as close together as neighbouring pixels."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.rand(4000, 3, generator=generator) * 0.01 + torch.tensor([3.0, -2.0, 40.0])
    queries = targets[:500] + 1e-5 * torch.rand(500, 3, generator=generator)
    distance = np.linalg.norm(queries.double().numpy()[:, None] - targets.double().numpy()[None], axis=-1)
    np.testing.assert_array_equal(nearest_by_distance(queries, targets, 99).numpy(), distance.argmin(1))


def shifted(maps: torch.Tensor, dx: int, dy: int, height: int, width: int) -> torch.Tensor:
    return maps[dy : dy + height, dx : dx + width]


def test_a_known_shift_is_found_at_pixel_centres() -> None:
    """Image j shows what image i shows 7 pixels further right and 3 further down."""
    whole = torch.nn.functional.normalize(
        torch.randn(60, 80, 8, generator=torch.Generator().manual_seed(1)), dim=-1
    )
    image_i, image_j = whole[:48, :64], shifted(whole, 7, 3, 48, 64)
    confidence = torch.full((48, 64), 4.0)
    found = match_descriptor_maps(image_i, image_j, confidence, confidence, MatchingConfig())
    inside = (found.pixels_i > [7, 3]).all(axis=1)
    np.testing.assert_array_equal((found.pixels_i - found.pixels_j)[inside], [[7.0, 3.0]] * inside.sum())
    assert inside.sum() > 40
    np.testing.assert_array_equal(found.pixels_i % 1, 0.5)
    np.testing.assert_allclose(found.weights, 0.8)


def plane(height: int, width: int, shift: float = 0.0) -> torch.Tensor:
    """A fronto-parallel wall at depth 2, seen by a camera of focal 50, moved by `shift` pixels."""
    x, y = torch.meshgrid(torch.arange(width) + shift, torch.arange(height).float(), indexing="xy")
    return torch.stack([(x - width / 2) / 50 * 2, (y - height / 2) / 50 * 2, torch.full_like(x, 2.0)], dim=-1)


@pytest.mark.parametrize("shift", [6.0, 6.3])
def test_points_of_a_wall_match_where_both_are_confident(shift: float) -> None:
    points_i, points_j = plane(40, 56), plane(40, 56, shift=shift)
    confidence_i, confidence_j = torch.full((40, 56), 9.0), torch.full((40, 56), 9.0)
    confidence_i[:20] = 1.5
    found = match_pointmaps(points_i, points_j, confidence_i, confidence_j, MatchingConfig(stride=4))
    assert len(found) > 100
    assert (found.pixels_i[:, 1] > 20).all()
    inner = (found.pixels_j > 1).all(axis=1) & (found.pixels_j < [55, 39]).all(axis=1)
    assert inner.sum() > 80
    apart = (found.pixels_i - found.pixels_j)[inner]
    np.testing.assert_allclose(apart, [[shift, 0.0]] * len(apart), atol=1e-4)
    np.testing.assert_allclose(found.weights, 0.9, rtol=1e-6)


def test_points_far_apart_are_no_match_however_near_the_next_one_is() -> None:
    confidence = torch.full((40, 56), 9.0)
    behind = plane(40, 56) * 1.5
    assert len(match_pointmaps(plane(40, 56), behind, confidence, confidence, MatchingConfig())) == 0


def test_nothing_confident_is_no_match() -> None:
    points, confidence = plane(16, 16), torch.ones(16, 16)
    assert len(match_pointmaps(points, points, confidence, confidence, MatchingConfig())) == 0
    points = torch.full((16, 16, 3), torch.nan)
    assert len(match_pointmaps(points, points, confidence + 9, confidence + 9, MatchingConfig())) == 0


def test_matches_are_thinned_evenly_and_doubtful_ones_left_out() -> None:
    maps = unit_maps(5)
    confidence_i, confidence_j = torch.full(SHAPES[0], 4.0), torch.full(SHAPES[1], 4.0)
    few = MatchingConfig(stride=1, most=30)
    found = match_descriptor_maps(*maps, confidence_i, confidence_j, few)
    assert len(found) == 30
    assert np.ptp(found.pixels_i[:, 1]) > 10
    confidence_j[:, :6] = 0.25
    found = match_descriptor_maps(*maps, confidence_i, confidence_j, few)
    assert len(found) > 0
    assert (found.pixels_j[:, 0] > 6).all()


def test_seeds_of_small_images_and_of_parts() -> None:
    assert grid_seeds(3, 2, 8, torch.device("cpu")).tolist() == [5]
    assert grid_seeds(4, 4, 2, torch.device("cpu")).tolist() == [5, 7, 13, 15]
    usable = torch.zeros(4, 4, dtype=torch.bool)
    usable[1:3, 1:] = True
    assert seeds_among(usable, 2).tolist() == [0, 2]


def test_where_a_pointmap_passes_a_point_between_its_pixels() -> None:
    """A tilted, curved surface; one whose neighbour is not usable; and a step, which is no surface."""
    x, y = torch.meshgrid(torch.arange(30.0), torch.arange(20.0), indexing="xy")

    def surface(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.stack([x, y, 50 + 0.4 * x - 0.3 * y + 0.002 * x**2], dim=-1)

    points, usable = surface(x, y), torch.ones(20, 30, dtype=torch.bool)
    usable[10, 12] = False
    points[:, 20:, 2] += 1000.0
    at = torch.tensor([7 * 30 + 5, 10 * 30 + 11, 7 * 30 + 19, 0])
    between = torch.tensor([0.3, -0.2])
    targets = surface(at % 30 + between[0], torch.div(at, 30, rounding_mode="floor") + between[1])
    shift = subpixel_shift(points, usable, at, targets)
    np.testing.assert_allclose(shift[0], between, atol=1e-3)
    np.testing.assert_array_equal(shift[1], 0.0)
    assert abs(shift[2, 0]) < 1e-3
    np.testing.assert_array_equal(shift[3], 0.0)
