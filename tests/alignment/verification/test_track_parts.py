"""Groups of views that points hold together, or too few do."""

import numpy as np

from dust3r_sfm.alignment.verification.track_parts import track_parts
from dust3r_sfm.types import Tracks


def seen_by(*points: tuple[tuple[int, ...], int]) -> Tracks:
    """So many points for each group of views that sees them."""
    rows = [views for views, count in points for _ in range(count)]
    point = np.repeat(np.arange(len(rows)), [len(views) for views in rows])
    view = np.concatenate([np.array(views) for views in rows])
    count = len(rows)
    return Tracks(
        np.zeros((count, 3)), np.zeros((count, 3), np.uint8), point, view, np.zeros((len(point), 2))
    )


def groups(tracks: Tracks, num_views: int) -> list[list[int]]:
    labels = track_parts(tracks, num_views, 30)
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


INSIDE = ((0, 1, 2), 100), ((3, 4, 5), 100)


def test_two_groups_that_only_pairs_of_views_join_are_two():
    tracks = seen_by(*INSIDE, ((2, 3), 500), ((1, 4), 500))
    assert groups(tracks, 6) == [[0, 1, 2], [3, 4, 5]]


def test_points_that_two_views_of_either_see_join_them():
    assert groups(seen_by(*INSIDE, ((1, 2, 3), 30)), 6) == [[0, 1, 2, 3, 4, 5]]
    assert groups(seen_by(*INSIDE, ((2, 3, 4), 30)), 6) == [[0, 1, 2, 3, 4, 5]]
    assert groups(seen_by(*INSIDE, ((1, 2, 3), 29)), 6) == [[0, 1, 2], [3, 4, 5]]


def test_few_points_of_many_views_count_together():
    """No two views of both groups share thirty points, but the groups do."""
    between = [((k, 3 + k, 3 + (k + 1) % 3), 10) for k in range(3)]
    assert groups(seen_by(*INSIDE, *between), 6) == [[0, 1, 2, 3, 4, 5]]


def test_a_chain_whose_views_see_what_three_see_is_one():
    chain = [((k, k + 1, k + 2), 30) for k in range(8)]
    assert groups(seen_by(*chain), 10) == [list(range(10))]


def test_a_single_view_is_left_where_it_is():
    assert groups(seen_by(*INSIDE, ((2, 3, 4), 30), ((5, 6, 0), 3)), 7) == [list(range(7))]
