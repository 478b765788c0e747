"""Real photos with true cameras, against the project's accuracy bounds."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest
from scipy.spatial.transform import Rotation

from dust3r_sfm.evaluation import read_posed_cameras
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.geometry.transforms import camera_centre
from dust3r_sfm.io import PosedCamera
from dust3r_sfm.localization import read_reference
from dust3r_sfm.pipeline import reconstruct_all
from dust3r_sfm.pipeline.localization import Outputs, find_queries, localize_photos

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine"),
]

LEFT_OUT = (2, 5, 8)


@pytest.mark.parametrize("name", ["strecha_fountain_p11", "lund_door"])
def test_left_out_photos_come_back(name: str, tmp_path: Path) -> None:
    photos = sorted((DATA / name / "images").iterdir())
    left_out = [photos[index] for index in LEFT_OUT]
    kept = [photo for photo in photos if photo not in left_out]
    reconstruct_all(kept, output=tmp_path / "scene")
    queries = tmp_path / "queries.txt"
    queries.write_text("".join(f"{photo.name}\n" for photo in left_out))
    outputs = Outputs(model=tmp_path / "added")
    localized = localize_photos(
        read_reference(tmp_path / "scene"),
        find_queries(queries, root=DATA / name / "images"),
        outputs=outputs,
    )
    assert localized.num_localized == 3
    truth = read_posed_cameras(DATA / name / "gt")
    names = [photo.name for photo in left_out]
    check(read_posed_cameras(tmp_path / "added"), truth, names)
    model = pycolmap.Reconstruction(str(tmp_path / "added"))
    before = model.compute_mean_reprojection_error()
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    pycolmap.bundle_adjustment(model, options)
    model.update_point_3d_errors()
    assert model.compute_mean_reprojection_error() <= before
    (tmp_path / "adjusted").mkdir()
    model.write_binary(str(tmp_path / "adjusted"))
    check(read_posed_cameras(tmp_path / "adjusted"), truth, names)


def check(found: dict[str, PosedCamera], truth: dict[str, PosedCamera], names: list[str]) -> None:
    """After one similarity of all photos: its rotation the mean of the photos' own (a principal point that is
    not where it is said to be turns every photo, which centres alone do not see), its scale and shift the
    best for the centres. Distances as shares of that between the farthest two cameras."""
    everyone = sorted(truth)
    turns = [truth[n].cam_from_world[:3, :3].T @ found[n].cam_from_world[:3, :3] for n in everyone]
    rotation = Rotation.from_matrix(turns).mean().as_matrix()
    ours, true = (
        np.stack([camera_centre(set_[n].cam_from_world) for n in everyone]) for set_ in (found, truth)
    )
    ours, true = ours @ rotation.T, true - true.mean(axis=0)
    ours -= ours.mean(axis=0)
    off = ours * (ours * true).sum() / (ours**2).sum() - true
    size = np.linalg.norm(true[:, None] - true, axis=-1).max()
    rows = [everyone.index(n) for n in names]
    assert np.median(np.linalg.norm(off[rows], axis=1)) <= 0.005 * size
    angles = [
        rotation_angle_deg(found[n].cam_from_world[:3, :3] @ rotation.T @ truth[n].cam_from_world[:3, :3].T)
        for n in names
    ]
    assert np.median(angles) <= 0.3
