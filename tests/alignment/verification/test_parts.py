"""Which views hold each other, on a scene whose truth is known."""

import numpy as np

from dust3r_sfm.alignment.bundle.tracks import observations_from_correspondences
from dust3r_sfm.alignment.verification.parts import PartConfig, SeenTracks, find_proven_parts
from dust3r_sfm.alignment.verification.witnesses import WitnessConfig, pair_witnesses
from dust3r_sfm.geometry import project, rigid, rotation_from_vector, transform_points
from dust3r_sfm.types import Camera, Correspondences, Pair

CAMERA = Camera.pinhole(512, 384, 480.0, 480.0, 256.0, 192.0)
NOTHING_GIVEN = np.zeros(6, dtype=bool)


def cameras_on_an_arc(count: int = 6) -> np.ndarray:
    angles = np.radians(np.linspace(-30, 30, count))
    turns = rotation_from_vector(np.outer(angles, [0.0, 1.0, 0.0]))
    centres = np.column_stack([6 * np.sin(-angles), 0.1 * np.arange(count), 6 - 6 * np.cos(angles)])
    return rigid(turns, -(turns @ centres[..., None])[..., 0])


def matches_of(poses: np.ndarray, pairs: dict[tuple[int, int], range]) -> dict[Pair, Correspondences]:
    """Exact matches of the points numbered in each pair's range."""
    points = np.random.default_rng(0).uniform([-1.5, -1.2, 5.0], [1.5, 1.2, 7.5], (600, 3))
    seen = [project(transform_points(pose, points), CAMERA) for pose in poses]
    return {
        Pair(i, j): Correspondences(seen[i][list(of)], seen[j][list(of)], np.ones(len(of)))
        for (i, j), of in pairs.items()
    }


def labels_of(poses: np.ndarray, matches: dict[Pair, Correspondences], **changes: float) -> list[int]:
    cameras = (CAMERA,) * len(poses)
    witnesses = pair_witnesses(cameras, poses, matches, WitnessConfig())
    friends = np.zeros((len(poses), len(poses)), dtype=bool)
    seen = SeenTracks(observations_from_correspondences(matches), cameras, poses, friends)
    found = find_proven_parts(witnesses, seen, NOTHING_GIVEN[: len(poses)], PartConfig(**changes))
    return found.tolist()


def alike(labels: list[int]) -> list[set[int]]:
    return [{k for k, other in enumerate(labels) if other == label} for label in dict.fromkeys(labels)]


def moved(poses: np.ndarray, view: int) -> np.ndarray:
    out = poses.copy()
    out[view] = out[view] @ rigid(
        rotation_from_vector(np.array([0.05, 0.25, 0.0])), np.array([0.4, 0.0, 0.3])
    )
    return out


EVERY = {(i, j): range(80) for i in range(6) for j in range(i + 1, 6)}


def test_a_scene_that_fits_is_one_part() -> None:
    poses = cameras_on_an_arc()
    assert alike(labels_of(poses, matches_of(poses, EVERY))) == [{0, 1, 2, 3, 4, 5}]


def test_a_view_in_the_wrong_place_is_in_no_part() -> None:
    poses = cameras_on_an_arc()
    labels = labels_of(moved(poses, 3), matches_of(poses, EVERY))
    assert alike(labels) == [{0, 1, 2, 4, 5}, {3}]


def test_views_that_triangulate_nothing_hold_nothing() -> None:
    """All from nearly one place: every epipolar line agrees, and no depth is known."""
    poses = cameras_on_an_arc()
    turned = poses.copy()
    turned[:, :3, 3] *= 1e-3
    assert len(alike(labels_of(turned, matches_of(turned, EVERY)))) == 6


def test_a_lone_pair_between_two_triangles_joins_nothing_without_points_of_both() -> None:
    """Its matches are of points that neither triangle knows: nothing tells the one's size in the other's."""
    pairs = {(0, 1): range(80), (1, 2): range(80), (0, 2): range(80)}
    pairs |= {(3, 4): range(100, 180), (4, 5): range(100, 180), (3, 5): range(100, 180)}
    poses = cameras_on_an_arc()
    with_bridge = pairs | {(2, 3): range(300, 360)}
    assert alike(labels_of(poses, matches_of(poses, with_bridge))) == [{0, 1, 2}, {3, 4, 5}]
    with_tracks = pairs | {(2, 3): range(60, 130)}
    assert alike(labels_of(poses, matches_of(poses, with_tracks))) == [{0, 1, 2, 3, 4, 5}]


def test_a_chain_begins_with_its_strongest_pair() -> None:
    """No cycle anywhere; each photo sees what the two before it triangulate."""
    chain = {(k, k + 1): range(120) for k in range(5)}
    poses = cameras_on_an_arc()
    assert alike(labels_of(poses, matches_of(poses, chain))) == [{0, 1, 2, 3, 4, 5}]
    weak = labels_of(poses, matches_of(poses, chain), min_seed_matches=200)
    assert alike(weak) == [{k} for k in range(6)]


def test_a_view_with_as_much_against_it_as_for_it_is_doubted() -> None:
    poses = cameras_on_an_arc()
    matches = matches_of(poses, EVERY)
    rng = np.random.default_rng(1)
    for pair in [Pair(0, 5), Pair(1, 5), Pair(2, 5)]:
        strange = rng.uniform([0, 0], [512, 384], (120, 2))
        matches[pair] = Correspondences(strange, rng.permuted(strange, axis=0), np.ones(120))
    assert alike(labels_of(poses, matches)) == [{0, 1, 2, 3, 4}, {5}]


def test_matches_on_one_small_thing_are_no_witness() -> None:
    poses = cameras_on_an_arc(2)
    points = np.random.default_rng(2).uniform([0.0, 0.0, 6.0], [0.08, 0.08, 6.1], (60, 3))
    seen = [project(transform_points(pose, points), CAMERA) for pose in poses]
    matches = {Pair(0, 1): Correspondences(*seen, np.ones(60))}
    (witness,) = pair_witnesses((CAMERA, CAMERA), poses, matches, WitnessConfig())
    assert witness.agreeing == 60
    assert not witness.supports
