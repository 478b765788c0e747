import numpy as np
import pytest

from dust3r_sfm.regressors.stereo.wide_baseline.keypoint_merging import merge_keypoints


def naive_places(pixels: np.ndarray, radius: float) -> list[int]:
    """One feature after the other: the first place within reach, or else a place of its own."""
    stands: list[int] = []
    for row, at in enumerate(pixels):
        if not any(np.linalg.norm(pixels[other] - at) <= radius for other in stands):
            stands.append(row)
    near = [[s for s in stands if np.linalg.norm(pixels[s] - at) <= radius] for at in pixels]
    return [row if row in stands else near[row][0] for row in range(len(pixels))]


@pytest.mark.parametrize("dimensions", [2, 4])
def test_places_equal_their_naive_twin(dimensions: int) -> None:
    """Clusters that chain, so that who comes first matters."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0, 40, (25, dimensions))
    pixels = rng.permutation(np.repeat(centres, 12, axis=0) + rng.normal(0, 0.8, (300, dimensions)))
    found = merge_keypoints(pixels, 1.5)
    assert found.tolist() == naive_places(pixels, 1.5)
    assert 25 < len(set(found.tolist())) < 200


def test_features_far_apart_are_a_place_each() -> None:
    assert merge_keypoints(np.arange(10.0).reshape(5, 2), 1.0).tolist() == [0, 1, 2, 3, 4]


def test_no_features_are_no_places() -> None:
    assert merge_keypoints(np.zeros((0, 2)), 1.0).shape == (0,)
