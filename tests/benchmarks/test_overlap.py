"""Overlap of photos of a wall, where it can be told by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.overlap import overlaps
from benchmarks.retrieval import Thinned, overlap_scores
from dust3r_sfm.evaluation import PosedCamera
from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.types import Camera

WIDTH, HEIGHT, FOCAL, DEPTH_M = 160, 120, 150.0, 3.0
SEEN_M = WIDTH * DEPTH_M / FOCAL
CAMERA = Camera.pinhole(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2)


def photo(x: float, turn_deg: float = 0.0) -> PosedCamera:
    rotation = rotation_from_vector(np.radians([0.0, turn_deg, 0.0]))
    cam_from_world = rigid(rotation, -rotation @ np.array([x, 0.0, 0.0]))
    return PosedCamera(CAMERA, cam_from_world)


def write_depth(folder: Path, name: str, depth_m: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.round(1000 * depth_m).astype(np.uint16)).save(folder / f"{name}.png")


def test_shifted_photos_of_a_wall(tmp_path: Path) -> None:
    """The wall z = 3 m, seen from places a half and a whole width apart, and from one that looks away."""
    truth = {
        "a.jpg": photo(0.0),
        "b.jpg": photo(SEEN_M / 2),
        "c.jpg": photo(SEEN_M),
        "away.jpg": photo(0.0, turn_deg=180.0),
    }
    for name in ("a", "b", "c"):
        write_depth(tmp_path / "depth", name, np.full((HEIGHT, WIDTH), DEPTH_M))
    found = overlaps(truth, tmp_path / "depth")
    expected = [[1, 0.5, 0, 0], [0.5, 1, 0.5, 0], [0, 0.5, 1, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_what_is_hidden_does_not_overlap(tmp_path: Path) -> None:
    """A wall at 3 m, and a photo of it from 2 m on; then a board at 1 m comes before the first photo."""
    nearer = PosedCamera(CAMERA, rigid(np.eye(3), np.array([0, 0, -2.0])))
    truth = {"wall.jpg": photo(0.0), "nearer.jpg": nearer, "board.jpg": photo(0.0)}
    write_depth(tmp_path / "depth", "wall", np.full((HEIGHT, WIDTH), DEPTH_M))
    assert overlaps(truth, tmp_path / "depth")[0, 1] == pytest.approx(1 / 9, rel=0.05)
    write_depth(tmp_path / "depth", "board", np.full((HEIGHT, WIDTH), 1.0))
    assert overlaps(truth, tmp_path / "depth")[0, 1] == 0


def test_scores_of_neighbours() -> None:
    """Two groups of photos that see the same within a group; descriptors mistake one photo."""
    group = np.array([0] * 6 + [1] * 6)
    angles = np.where(group == 0, 0.0, 1.5) + 0.01 * np.arange(12)
    angles[11] = 0.2
    descriptors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    overlap = np.where(group[:, None] == group[None, :], 0.8, 0.0)
    np.fill_diagonal(overlap, 1.0)
    scores = overlap_scores(descriptors, overlap, np.array([0, 11]), diversity=0.0)
    assert (scores.photos, scores.queries) == (10, 2)
    assert scores.true_neighbours == pytest.approx(4.0)
    assert scores.top10_any == 1.0
    assert scores.precision_10 == pytest.approx(4 / 9)
    assert scores.reference_overlap == pytest.approx((0.8 + 0.0) / 2)
    assert scores.best_overlap == pytest.approx(0.8)


def test_thinned_photos_are_the_same_whenever_asked_for() -> None:
    local = [np.arange(300.0).reshape(100, 3), np.zeros((30, 3))]
    photos = Thinned(local, 5)
    assert len(list(photos)) == 5
    np.testing.assert_array_equal(photos[4], photos[4])
    assert not np.array_equal(photos[0], photos[2])
    assert 50 < len(photos[2]) < 80
