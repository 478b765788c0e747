"""What a view's place rests on."""

import numpy as np

from dust3r_sfm.alignment.verification.uncertain_members import shared_observations
from dust3r_sfm.types import Tracks


def tracks(*seen_by: tuple[int, ...]) -> Tracks:
    """One a tuple of views."""
    point = np.repeat(np.arange(len(seen_by)), [len(views) for views in seen_by])
    view = np.concatenate([np.array(views) for views in seen_by])
    zeros = np.zeros((len(seen_by), 3))
    return Tracks(zeros, zeros.astype(np.uint8), point, view, np.zeros((len(view), 2)))


def test_only_what_three_views_see_is_shared() -> None:
    found = shared_observations(tracks((0, 1), (0, 1, 2), (1, 2), (0, 1, 2, 3)), num_views=5)
    np.testing.assert_array_equal(found, [2, 2, 2, 1, 0])
