"""The budget of a model's points, and what each of them must have."""

from dataclasses import replace

import numpy as np
import pycolmap
import pytest

from dust3r_sfm.exporters.colmap import export_colmap
from dust3r_sfm.exporters.config import ColmapExport
from dust3r_sfm.exporters.tracks.observations import drop_masked_observations, select_observations
from dust3r_sfm.exporters.tracks.track_budget import choose_points
from dust3r_sfm.types import Scene, Tracks


@pytest.fixture(scope="module")
def crowded(truth) -> Scene:
    """150 000 points, most of them in the first two images; each of the others sees 40, and all in one
    corner."""
    rng = np.random.default_rng(1)
    views, points = len(truth.scene.views), 150_000
    first = np.column_stack([np.arange(points), np.zeros(points, int)])
    second = np.column_stack([np.arange(points), np.ones(points, int)])
    rare = np.concatenate(
        [np.column_stack([rng.choice(points, 40, False), np.full(40, v)]) for v in range(2, views)]
    )
    rows = np.concatenate([first, second, rare])
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    sizes = np.array([view.size for view in truth.scene.views])[rows[:, 1]]
    share = np.where(rows[:, 1:] < 2, 1.0, 0.05)
    tracks = Tracks(
        xyz=rng.uniform(-1, 1, (points, 3)),
        color=np.zeros((points, 3), np.uint8),
        point_index=rows[:, 0],
        view_index=rows[:, 1],
        pixels=rng.uniform(0, 1, (len(rows), 2)) * sizes * share,
    )
    return replace(truth.scene, tracks=tracks)


@pytest.mark.parametrize("budget", [10, 1_000, 100_000, None])
def test_never_exceeded_and_every_image_covered(crowded, budget):
    tracks = crowded.tracks
    errors = np.random.default_rng(2).uniform(0, 2, len(tracks.point_index))
    chosen = choose_points(crowded, errors, budget)
    assert len(chosen) == (len(tracks.xyz) if budget is None else budget)
    assert len(np.unique(chosen)) == len(chosen)
    kept = np.isin(tracks.point_index, chosen)
    assert np.bincount(tracks.view_index[kept], minlength=len(crowded.views)).min() > 0


@pytest.mark.parametrize("budget", [100, None])
@pytest.mark.parametrize("least", [2, 3])
def test_the_written_model_keeps_to_it(truth, tmp_path, budget, least):
    export_colmap(truth.scene, tmp_path, ColmapExport(budget, min_observations=least))
    model = pycolmap.Reconstruction(tmp_path)
    lengths = np.bincount(truth.scene.tracks.point_index)
    assert model.num_points3D() == min(budget or 10**9, (lengths >= least).sum())
    assert min(point.track.length() for point in model.points3D.values()) >= least
    with pytest.raises(ValueError, match="min_observations is 1"):
        ColmapExport(min_observations=1)


def test_points_that_lose_their_observations_go(truth):
    tracks = truth.scene.tracks
    keep = tracks.view_index != 0
    left = select_observations(truth.scene, keep).tracks
    counts = np.bincount(tracks.point_index[keep], minlength=len(tracks.xyz))
    np.testing.assert_array_equal(left.xyz, tracks.xyz[counts >= 2])
    np.testing.assert_array_equal(left.color, tracks.color[counts >= 2])
    assert 0 not in left.view_index
    assert np.bincount(left.point_index).min() >= 2
    # What stays is what it was.
    old = {tuple(row) for row in np.column_stack([tracks.xyz[tracks.point_index], tracks.pixels])}
    assert {tuple(row) for row in np.column_stack([left.xyz[left.point_index], left.pixels])} <= old


def test_a_scene_without_masks_stays_as_it_is(truth):
    assert drop_masked_observations(truth.scene) is truth.scene
