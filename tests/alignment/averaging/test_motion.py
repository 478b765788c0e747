import numpy as np
import pytest

from dust3r_sfm.alignment.averaging.contradictions import select_contradicted
from dust3r_sfm.alignment.averaging.motion import AveragingConfig, average_motions
from dust3r_sfm.alignment.averaging.scales import depth_ties
from dust3r_sfm.alignment.averaging.triplets import triplet_support
from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.geometry import invert_rigid, rigid, rotation_angle_deg, rotation_from_vector

CONFIG = AveragingConfig()


@pytest.fixture
def world():
    """Ten cameras facing one cloud, and all their edges with random scales: exact."""
    rng = np.random.default_rng(11)
    poses = rigid(
        rotation_from_vector(0.4 * rng.standard_normal((10, 3))), rng.uniform(-1, 1, (10, 3)) + [0, 0, 5]
    )
    tail, head = np.array([(i, j) for i in range(10) for j in range(10) if i != j]).T
    scale = rng.uniform(0.5, 2.0, len(tail))
    clouds = {k: rng.uniform(-1, 1, (40, 3)) for k in range(10)}
    relative = poses[head] @ invert_rigid(poses[tail])
    relative[:, :3, 3] /= scale[:, None]
    seen = {
        (view, cam): clouds[view] @ poses[cam, :3, :3].T + poses[cam, :3, 3]
        for view in range(10)
        for cam in range(10)
    }
    ones, none = np.ones((len(tail), 40)), np.zeros((len(tail), 0))
    edges = Edges(
        tail, head, relative, np.ones(len(tail), dtype=bool), np.ones(len(tail)),
        np.stack([seen[i, i][:, 2] / s for i, s in zip(tail, scale, strict=True)]), ones,
        np.stack([seen[j, i] / s for i, j, s in zip(tail, head, scale, strict=True)]), ones,
        none[..., None].repeat(2, 2), none[..., None].repeat(2, 2), none, none,
    )  # fmt: skip
    return poses, scale, edges


def test_exact_edges_give_the_world_up_to_gauge(world):
    poses, scale, edges = world
    found = average_motions(
        edges, depth_ties(edges, CONFIG.scales), triplet_support(edges, CONFIG.triplets), 10, CONFIG
    )
    expected = poses @ invert_rigid(poses[0])
    np.testing.assert_allclose(found.cam_from_world[:, :3, :3], expected[:, :3, :3], atol=1e-9)
    size = found.cam_from_world[1, :3, 3] @ expected[1, :3, 3] / (expected[1, :3, 3] ** 2).sum()
    np.testing.assert_allclose(found.cam_from_world[:, :3, 3], size * expected[:, :3, 3], atol=1e-7)
    np.testing.assert_allclose(np.exp(found.log_scale), size * scale, rtol=1e-7)
    assert select_contradicted(edges, found, CONFIG.tolerance) == {}


def test_wrong_rotations_and_baselines_are_found_and_ignored(world):
    poses, _, edges = world
    relative = edges.j_from_i.copy()
    turned, shifted = np.arange(0, 90, 9), np.arange(4, 90, 9)
    rng = np.random.default_rng(0)
    relative[turned, :3, :3] = rotation_from_vector(rng.uniform(1, 2, (10, 3))) @ relative[turned, :3, :3]
    relative[shifted, :3, 3] *= -1
    values = {name: getattr(edges, name) for name in edges.__dataclass_fields__}
    edges = Edges(**{**values, "j_from_i": relative})
    found = average_motions(
        edges, depth_ties(edges, CONFIG.scales), triplet_support(edges, CONFIG.triplets), 10, CONFIG
    )
    reasons = select_contradicted(edges, found, CONFIG.tolerance)
    assert set(turned.tolist()) <= set(reasons)
    assert set(reasons) <= {*turned.tolist(), *shifted.tolist()}
    assert all("rotation" in reasons[edge] for edge in turned.tolist())
    expected = poses @ invert_rigid(poses[0])
    relative_turn = found.cam_from_world[:, :3, :3] @ np.swapaxes(expected[:, :3, :3], -1, -2)
    assert rotation_angle_deg(relative_turn).max() < 0.01
