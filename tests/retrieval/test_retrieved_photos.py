"""Retrieval on real photos of a kitchen, against overlap by true depth."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.overlap import overlaps
from dust3r_sfm.evaluation import read_posed_cameras
from dust3r_sfm.images import load_views
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.retrieval import fit_vlad, nearest_neighbours

KITCHEN = Path(__file__).parents[2].parent / "shared" / "data" / "sevenscenes_redkitchen"


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.skipif(not KITCHEN.is_dir(), reason="the kitchen is not in ../shared/data")
def test_the_nearest_photos_overlap() -> None:
    """Every tenth mapping frame, lest the frames beside each other in time make it easy."""
    names = (KITCHEN / "gt" / "mapping_list.txt").read_text().split()[::10]
    regressor = StereoRegressor(StereoConfig())
    views = load_views([KITCHEN / "images" / name for name in names], regressor.image_spec).views
    local = [regressor.local_descriptors(encoding) for encoding in regressor.encode(views)]
    vlad = fit_vlad(local)
    near = nearest_neighbours(np.stack([vlad.describe(found) for found in local]), 5).index
    truth = read_posed_cameras(KITCHEN / "gt")
    depth_frames = {name: photo for name, photo in truth.items() if name not in names}
    overlap = overlaps({name: truth[name] for name in names} | depth_frames, KITCHEN / "gt" / "depth")
    true = np.take_along_axis(overlap[: len(names), : len(names)], near, axis=1) >= 0.3
    assert true.any(axis=1).mean() == 1.0
    assert true.mean() > 0.85, "a random choice has a half"
