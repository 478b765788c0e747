"""Plane-sweep stereo on rendered rooms with exact depth, and its parts against naive twins."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from jaxtyping import Bool, Float, UInt8

from dust3r_sfm.geometry import invert_rigid, pixel_grid, project, rigid, transform_points, unproject
from dust3r_sfm.regressors.plane_sweep import DepthEstimate, SweepConfig, sweep_pair
from dust3r_sfm.regressors.plane_sweep.levels import median3
from dust3r_sfm.regressors.plane_sweep.matching_cost import box_mean, correlation, reference_patches
from dust3r_sfm.regressors.plane_sweep.semi_global import smooth
from dust3r_sfm.regressors.plane_sweep.warp import Warp, make_warp, sample
from dust3r_sfm.synthetic.cameras import centred_camera, look_at
from dust3r_sfm.synthetic.rendering.render import render
from dust3r_sfm.synthetic.scenes import room_scene
from dust3r_sfm.types import Camera, Rigid

CPU = torch.device("cpu")
CONFIDENT = 2.0


@dataclass(frozen=True)
class Shot:
    """One photo with a little sensor noise, and what is true of it."""

    image: UInt8[np.ndarray, "h w 3"]
    depth: Float[np.ndarray, "h w"]
    camera: Camera
    cam_from_world: Rigid

    @property
    def inverse_depth_range(self) -> tuple[float, float]:
        return 0.85 / float(np.percentile(self.depth, 99.5)), 1.15 / float(np.percentile(self.depth, 0.5))


def take(camera: Camera, azimuth_deg: float, distance: float, seed: int) -> Shot:
    scene, azimuth = room_scene(3), np.radians(azimuth_deg)
    centre = np.array(scene.centre)
    eye = centre + [distance * np.cos(azimuth), distance * np.sin(azimuth), 0.55]
    cam_from_world = look_at(eye, centre)
    rendering = render(scene, camera, cam_from_world)
    noise = np.random.default_rng(seed).normal(0.0, 2.0, rendering.image.shape)
    image = np.clip(rendering.image + noise, 0, 255).astype(np.uint8)
    return Shot(image, rendering.depth, camera, cam_from_world)


def sweep(a: Shot, b: Shot) -> tuple[DepthEstimate, DepthEstimate]:
    b_from_a = b.cam_from_world @ invert_rigid(a.cam_from_world)
    ranges = a.inverse_depth_range, b.inverse_depth_range
    return sweep_pair(a.image, b.image, a.camera, b.camera, b_from_a, *ranges, SweepConfig(), CPU)


def visible(a: Shot, b: Shot) -> Bool[np.ndarray, "h w"]:
    """Which pixels of a show what b sees too."""
    b_from_a = b.cam_from_world @ invert_rigid(a.cam_from_world)
    points = unproject(pixel_grid(*a.depth.shape), a.depth, a.camera)
    points = transform_points(b_from_a, points.reshape(-1, 3)).reshape(points.shape)
    x, y = np.moveaxis(np.floor(project(points, b.camera)).astype(int), -1, 0)
    height, width = b.depth.shape
    inside = (points[..., 2] > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    seen = b.depth[y.clip(0, height - 1), x.clip(0, width - 1)]
    return inside & (points[..., 2] < 1.02 * seen)


def relative_error(estimate: DepthEstimate, shot: Shot) -> Float[np.ndarray, "h w"]:
    return np.abs(estimate.depth / shot.depth - 1)


@pytest.fixture(scope="module")
def sideways() -> tuple[Shot, Shot]:
    """10 degrees apart."""
    camera = centred_camera(384, 256, 460.0)
    return take(camera, 40.0, 2.6, 1), take(camera, 50.0, 2.6, 2)


@pytest.fixture(scope="module")
def found(sideways: tuple[Shot, Shot]) -> tuple[DepthEstimate, DepthEstimate]:
    return sweep(*sideways)


def test_most_of_what_both_see_is_found_precisely(sideways, found):
    for estimate, shot, other in zip(found, sideways, sideways[::-1], strict=True):
        confident = estimate.confidence > CONFIDENT
        error = relative_error(estimate, shot)[confident]
        assert confident[visible(shot, other)].mean() > 0.6
        assert np.median(error) < 0.003
        assert (error > 0.03).mean() < 0.03


def test_occluded_pixels_are_not_trusted(sideways, found):
    for estimate, shot, other in zip(found, sideways, sideways[::-1], strict=True):
        hidden = ~visible(shot, other)
        assert hidden.mean() > 0.05
        assert (estimate.confidence[hidden] > CONFIDENT).mean() < 0.1


def test_greater_confidence_means_smaller_error(sideways, found):
    error = relative_error(found[0], sideways[0])
    confidence = found[0].confidence
    bands = [(1, 1.2), (1.2, 3), (3, 6), (6, 10.01)]
    wrong = [(error[(confidence >= low) & (confidence < high)] > 0.01).mean() for low, high in bands]
    assert wrong == sorted(wrong, reverse=True)


def test_confidence_and_depth_stay_in_their_ranges(found):
    for estimate in found:
        assert estimate.depth.dtype == estimate.confidence.dtype == np.float32
        assert np.isfinite(estimate.depth).all()
        assert (estimate.depth >= 0).all()
        assert estimate.confidence.min() >= 1
        assert 5 < estimate.confidence.max() <= 10


def test_swapping_the_images_swaps_the_results(sideways, found):
    swapped = sweep(*sideways[::-1])
    for ours, theirs in zip(found, swapped[::-1], strict=True):
        np.testing.assert_allclose(ours.depth, theirs.depth, rtol=1e-3)
        np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=0.05)


def test_sizes_and_focals_may_differ():
    wide = take(centred_camera(384, 256, 460.0), 40.0, 2.6, 1)
    tall = take(centred_camera(255, 383, 390.0), 50.0, 2.6, 2)
    for estimate, shot, other in zip(sweep(wide, tall), (wide, tall), (tall, wide), strict=True):
        confident = estimate.confidence > CONFIDENT
        assert estimate.depth.shape == shot.depth.shape
        assert confident[visible(shot, other)].mean() > 0.55
        assert np.median(relative_error(estimate, shot)[confident]) < 0.004


def test_forward_motion_has_an_epipole_that_knows_nothing():
    camera = centred_camera(320, 214, 384.0)
    far, near = take(camera, 45.0, 2.6, 1), take(camera, 45.0, 2.1, 2)
    for estimate, shot, other in zip(sweep(far, near), (far, near), (near, far), strict=True):
        confident = estimate.confidence > CONFIDENT
        shot_from_other = shot.cam_from_world @ invert_rigid(other.cam_from_world)
        centre = shot_from_other[:3, 3]
        epipole = project(centre * np.sign(centre[2]), camera)  # The line to the other camera, also behind.
        distance = np.linalg.norm(pixel_grid(camera.height, camera.width) - epipole, axis=-1)
        assert not confident[distance < 3].any()
        assert confident[(distance > 40) & visible(shot, other)].mean() > 0.5
        assert np.median(relative_error(estimate, shot)[confident]) < 0.01


Image = UInt8[np.ndarray, "h w 3"]


def flat_pair(image: Image, other: Image, shift: float) -> DepthEstimate:
    """What is found of `image`, `other` being taken `shift` to its right."""
    camera = centred_camera(image.shape[1], image.shape[0], 150.0)
    b_from_a = rigid(np.eye(3), np.array([-shift, 0.0, 0.0]))
    return sweep_pair(image, other, camera, camera, b_from_a, (0.1, 1.0), (0.1, 1.0), SweepConfig(), CPU)[0]


def test_nothing_is_known_of_blank_images():
    rng = np.random.default_rng(0)
    blank = [np.full((96, 128, 3), 180, np.uint8) for _ in range(2)]
    grainy = [np.clip(180 + rng.normal(0, 1.0, (96, 128, 3)), 0, 255).astype(np.uint8) for _ in range(2)]
    assert flat_pair(*blank, 0.2).confidence.max() < 1.01
    assert np.percentile(flat_pair(*grainy, 0.2).confidence, 99) < 1.2


def test_nothing_is_known_without_a_baseline_or_of_unrelated_images():
    noise = np.random.default_rng(0).integers(0, 256, (2, 96, 128, 3)).astype(np.uint8)
    assert flat_pair(noise[0], noise[0], 0.0).confidence.max() < 1.01
    assert (flat_pair(noise[0], noise[1], 0.2).confidence > CONFIDENT).mean() < 0.01


def test_a_shift_by_whole_pixels_is_a_plane_at_known_depth():
    """f B / Z = 150 * 0.2 / Z = 6 px at Z = 5."""
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8).repeat(2, 0).repeat(2, 1)
    estimate = flat_pair(image, np.roll(image, -6, axis=1), 0.2)
    inner = (slice(8, -8), slice(16, -16))
    assert (estimate.confidence[inner] > CONFIDENT).mean() > 0.95
    error_px = np.abs(30.0 / estimate.depth[inner] - 6.0)
    assert np.median(error_px) < 0.05
    assert np.percentile(error_px, 99) < 0.25


def naive_zncc(a: np.ndarray, b: np.ndarray, row: int, column: int, noise: float) -> float:
    """Of 5 x 5 windows of a and b about one pixel, border repeated."""
    rows = np.arange(row - 2, row + 3).clip(0, a.shape[0] - 1)
    columns = np.arange(column - 2, column + 3).clip(0, a.shape[1] - 1)
    u, v = a[np.ix_(rows, columns)], b[np.ix_(rows, columns)]
    u, v = u - u.mean(), v - v.mean()
    return float((u * v).mean() / np.sqrt(((u * u).mean() + noise**2) * ((v * v).mean() + noise**2)))


def naive_bilinear(image: np.ndarray, x: float, y: float) -> float:
    """At continuous pixels; the border repeated."""
    column, row = int(np.floor(x - 0.5)), int(np.floor(y - 0.5))
    fx, fy = x - 0.5 - column, y - 0.5 - row
    at = lambda r, c: image[min(max(r, 0), image.shape[0] - 1), min(max(c, 0), image.shape[1] - 1)]  # noqa: E731
    top = (1 - fx) * at(row, column) + fx * at(row, column + 1)
    return (1 - fy) * top + fy * ((1 - fx) * at(row + 1, column) + fx * at(row + 1, column + 1))


def test_correlation_equals_its_naive_twin():
    rng = np.random.default_rng(0)
    a, b, noise = rng.uniform(-0.5, 0.5, (12, 15)), rng.uniform(-0.5, 0.5, (14, 17)), 0.01
    camera_a, camera_b = (
        Camera.pinhole(15, 12, 20.0, 21.0, 7.0, 6.5),
        Camera.pinhole(17, 14, 22.0, 22.0, 8.0, 7.5),
    )
    b_from_a = rigid(np.eye(3), np.array([-0.3, 0.05, 0.1]))
    warp = make_warp(camera_a, camera_b, b_from_a, 1, CPU)
    image_a, image_b = (torch.tensor(g, dtype=torch.float32) for g in (a, b))
    inverse_depths = torch.tensor([0.2, 0.5])
    fast = correlation(
        reference_patches(image_a, 5, noise), image_b, warp, inverse_depths[:, None, None], 5, noise
    )
    for scores, inverse_depth in zip(fast.numpy(), (0.2, 0.5), strict=True):
        points = unproject(pixel_grid(12, 15), np.full((12, 15), 1 / inverse_depth), camera_a)
        pixels = project(transform_points(b_from_a, points.reshape(-1, 3)), camera_b).reshape(12, 15, 2)
        warped = np.array([[naive_bilinear(b, *p) for p in row] for row in pixels])
        inside = ((pixels > 0) & (pixels < [17, 14])).all(axis=-1)
        assert 0 < inside.mean() < 1
        expected = [[naive_zncc(a, warped, r, c, noise) for c in range(15)] for r in range(12)]
        np.testing.assert_allclose(scores, np.where(inside, expected, 0.0), atol=1e-4)


def naive_path(cost: np.ndarray, small: float, large: float) -> np.ndarray:
    """Hirschmueller's recursion along the first axis of "n d"."""
    path = cost.copy()
    for step in range(1, len(cost)):
        before = path[step - 1]
        for d in range(cost.shape[1]):
            near = [before[k] + small for k in (d - 1, d + 1) if 0 <= k < cost.shape[1]]
            path[step, d] = cost[step, d] + min(before[d], *near, before.min() + large) - before.min()
    return path


def test_semi_global_smoothing_equals_its_naive_twin():
    cost = np.random.default_rng(0).uniform(size=(6, 5, 7))
    expected = np.zeros_like(cost)
    for x in range(7):
        column = cost[:, :, x].T
        expected[:, :, x] += (naive_path(column, 0.1, 0.4) + naive_path(column[::-1], 0.1, 0.4)[::-1]).T
    for y in range(5):
        row = cost[:, y].T
        expected[:, y] += (naive_path(row, 0.1, 0.4) + naive_path(row[::-1], 0.1, 0.4)[::-1]).T
    smoothed = smooth(torch.tensor(cost), torch.zeros(5, 7, dtype=torch.float64), 0.1, 0.4, 1.0)
    np.testing.assert_allclose(smoothed.numpy(), expected / 4, atol=1e-12)


def test_median_of_three_by_three():
    values = np.random.default_rng(0).uniform(size=(6, 8))
    windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3))
    ours = median3(torch.tensor(values)).numpy()
    np.testing.assert_array_equal(ours[1:-1, 1:-1], np.median(windows, axis=(2, 3)))
    np.testing.assert_array_equal(ours[0], values[0])


def test_speed_is_the_derivative_of_where_matches_lie():
    camera = Camera.pinhole(40, 30, 50.0, 52.0, 19.0, 16.0)
    b_from_a = rigid(np.eye(3), np.array([-0.3, 0.05, 0.2]))
    inverse_depth = np.full((30, 40), 0.4)
    ends = []
    for value in (inverse_depth - 1e-5, inverse_depth + 1e-5):
        points = unproject(pixel_grid(30, 40), 1 / value, camera)
        ends.append(project(transform_points(b_from_a, points.reshape(-1, 3)), camera).reshape(30, 40, 2))
    expected = np.linalg.norm(ends[1] - ends[0], axis=-1) / 2e-5
    warp = make_warp(camera, camera, b_from_a, 1, CPU)
    speed = warp.speed(torch.tensor(inverse_depth, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(speed, expected, rtol=1e-3)


@pytest.mark.parametrize("window", [1, 3, 5, 7, 9])
def test_box_mean_against_every_window(window: int) -> None:
    values = torch.rand(3, 14, 11, generator=torch.Generator().manual_seed(window))
    before, half = values.clone(), window // 2
    padded = torch.nn.functional.pad(values[None], (half,) * 4, mode="replicate")[0]
    windows = padded.unfold(1, window, 1).unfold(2, window, 1)
    torch.testing.assert_close(box_mean(values, window), windows.mean(dim=(-2, -1)))
    assert torch.equal(values, before)


@pytest.fixture
def warp() -> Warp:
    camera_i, camera_j = centred_camera(40, 30, 35.0), centred_camera(36, 28, 30.0)
    j_from_i = look_at(np.array([0.3, -0.2, 0.1]), np.array([0.2, 0.1, 4.0]))
    return make_warp(camera_i, camera_j, j_from_i, 1, CPU)


def test_the_speed_of_matches_against_differences(warp: Warp) -> None:
    inverse_depth, step = torch.full((30, 40), 0.3), 1e-2
    ends = torch.stack([inverse_depth - step, inverse_depth + step])
    xy, _ = warp.locate(ends)
    moved = (xy[1] - xy[0]) * torch.tensor(warp.px) / (2 * step)
    torch.testing.assert_close(warp.speed(inverse_depth), moved.norm(dim=-1), rtol=2e-3, atol=1e-3)


def test_several_pictures_are_sampled_as_each_by_itself(warp: Warp) -> None:
    pictures = torch.rand(2, 28, 36, generator=torch.Generator().manual_seed(0))
    inverse_depth = torch.full((1, 30, 40), 0.3)
    both, inside = sample(pictures, warp, inverse_depth, mode="nearest")
    for picture, found in zip(pictures, both[0], strict=True):
        alone, inside_alone = sample(picture, warp, inverse_depth, mode="nearest")
        assert torch.equal(found, alone[0])
        assert torch.equal(inside, inside_alone)
    assert 0 < inside.float().mean() < 1
