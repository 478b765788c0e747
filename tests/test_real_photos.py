"""The whole way on real photos with true cameras, against the project's accuracy bounds."""

from dataclasses import dataclass
from pathlib import Path

import pycolmap
import pytest

from benchmarks.evaluation import read_model, score_poses
from dust3r_sfm.pipeline import reconstruct_all

DATA = Path(__file__).parents[1].parent / "shared" / "data"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine"),
]


@dataclass(frozen=True)
class Bounds:
    registered: int
    rotation_deg: float
    direction_deg: float
    ate: float
    focal: float


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("strecha_fountain_p11", Bounds(11, 0.28, 0.42, 0.0018, 0.005)),
        # COLMAP's incremental mapper registers 13 of these 16.
        ("middlebury_temple_sparsering", Bounds(16, 2.0, 1.5, 0.01, 0.03)),
    ],
)
def test_poses_of_uncalibrated_photos(name, bounds, tmp_path):
    reconstruct_all(DATA / name / "images", output=tmp_path / "out")
    sparse = tmp_path / "out" / "sparse" / "0"
    found = score_poses(read_model(sparse), read_model(DATA / name / "gt"))
    assert found.registered >= bounds.registered
    assert found.median_rotation_error_deg <= bounds.rotation_deg
    assert found.median_direction_error_deg <= bounds.direction_deg
    assert found.ate is not None
    assert found.ate <= bounds.ate
    assert found.focal_error is not None
    assert found.focal_error <= bounds.focal
    model = pycolmap.Reconstruction(sparse)
    assert model.compute_mean_reprojection_error() < 1.0
    assert all(len(point.track.elements) >= 2 for point in model.points3D.values())
