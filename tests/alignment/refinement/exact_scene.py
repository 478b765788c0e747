"""A problem of refinement whose solution is known: three views, with pairs whose points and matches are
exact."""

import numpy as np

from dust3r_sfm.alignment.pairs.edges import Edges
from dust3r_sfm.alignment.pairs.focals import FocalEvidence
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.alignment.refinement.problem import Problem, State
from dust3r_sfm.geometry import (
    invert_rigid,
    project,
    rigid,
    rotation_from_vector,
    transform_points,
    unproject,
)
from dust3r_sfm.types import Camera

VIEWS, SAMPLES = 3, 30
GROUP = np.array([0, 0, 1])
"""Two views have one camera, the third has its own."""
FOCALS = np.array([100.0, 70.0])
"""Of both cameras, in pixels of their files."""
VIEW_SCALE = np.array([1.0, 0.5, 1.0])
"""View 1 was made half as large as its file."""
CENTRES = np.array([[40.0, 30.0], [20.0, 15.0], [41.0, 29.0]])
ALL_PAIRS = np.array([(i, j) for i in range(VIEWS) for j in range(VIEWS) if i != j])


def cameras() -> list[Camera]:
    sizes = (2 * CENTRES).astype(int).tolist()
    focals = (FOCALS[GROUP] * VIEW_SCALE).tolist()
    return [
        Camera.pinhole(width, height, focal, focal, cx, cy)
        for (width, height), focal, (cx, cy) in zip(sizes, focals, CENTRES.tolist(), strict=True)
    ]


def exact_problem(config: RefinementConfig | None = None) -> tuple[Problem, State]:
    """The problem, with the poses of views 0 and 1 given, which fixes the world's scale as well; and its
    solution. No focal is known but by the pairs."""
    rng = np.random.default_rng(3)
    turns = rotation_from_vector(0.1 * rng.standard_normal((VIEWS, 3)))
    cam_from_world = rigid(turns, rng.uniform(-0.8, 0.8, (VIEWS, 3)))
    cam_from_world = cam_from_world @ invert_rigid(cam_from_world[0])
    pixels = rng.uniform(0.2, 1.8, (VIEWS, SAMPLES, 2)) * CENTRES[:, None]
    depth = rng.uniform(3.0, 6.0, (VIEWS, SAMPLES))
    scale = rng.uniform(0.5, 2.0, len(ALL_PAIRS))
    points = [unproject(*view) for view in zip(pixels, depth, cameras(), strict=True)]
    tail, head = ALL_PAIRS.T
    j_from_i = cam_from_world[head] @ invert_rigid(cam_from_world[tail])
    in_j = [transform_points(pose, points[i]) for pose, i in zip(j_from_i, tail, strict=True)]
    in_i = [transform_points(invert_rigid(pose), points[j]) for pose, j in zip(j_from_i, head, strict=True)]
    assert all((points[:, 2] > 1.0).all() for points in in_i + in_j), "all views see all samples"
    own = j_from_i.copy()
    own[:, :3, 3] /= scale[:, None]
    ones = np.ones((len(ALL_PAIRS), SAMPLES))
    edges = Edges(
        tail=tail,
        head=head,
        j_from_i=own,
        metric=np.ones(len(ALL_PAIRS), dtype=bool),
        strength=np.ones(len(ALL_PAIRS)),
        depth_i=depth[tail] / scale[:, None],
        weights_i=ones,
        points_j=np.stack(in_i) / scale[:, None, None],
        weights_j=ones,
        match_pixels_i=pixels[tail],
        match_pixels_j=np.stack([project(z, cameras()[j]) for z, j in zip(in_j, head, strict=True)]),
        match_depth_i=depth[tail] / scale[:, None],
        match_weights=ones,
    )
    problem = Problem(
        edges=edges,
        pixels=pixels,
        centres=CENTRES,
        log_view_scale=np.log(VIEW_SCALE),
        group=GROUP,
        evidence=FocalEvidence(np.full(2, np.nan), np.zeros(2)),
        pose_given=np.array([True, True, False]),
        most_samples=SAMPLES,
        config=config or RefinementConfig(),
    )
    return problem, State(cam_from_world, np.log(FOCALS), np.log(scale), np.zeros(VIEWS))
