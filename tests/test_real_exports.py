"""Exports of a real scene, taken on by COLMAP's own programs."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from scipy.spatial import cKDTree
from trainer_readers import nerfstudio_folder, splat_folder

from dust3r_sfm.exporters.colmap_dataset import ColmapDataset
from dust3r_sfm.exporters.colmap_dense import ColmapDense
from dust3r_sfm.exporters.fused_cloud import FusionConfig, fused_points
from dust3r_sfm.exporters.nerfstudio import NerfstudioExport
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.pipeline import reconstruct
from dust3r_sfm.pipeline.export import export_scene

PHOTOS = Path(__file__).parents[1].parent / "shared" / "data" / "strecha_fountain_p11" / "images"
COLMAP = shutil.which("colmap")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTOS.is_dir(), reason="../shared/data has no photos of the fountain"),
]


@pytest.fixture(scope="module")
def fountain():
    return reconstruct(PHOTOS)


@pytest.fixture(scope="module")
def dataset(fountain, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("colmap") / "out"
    export_scene(fountain, folder, ColmapDataset())
    return folder


def _run(*arguments: str | Path) -> str:
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_bundle_adjustment_moves_nothing_and_filters_keep_the_points(dataset, tmp_path):
    before, after = (pycolmap.Reconstruction(dataset / "sparse" / "0") for _ in range(2))
    pycolmap.bundle_adjustment(after)
    for first, second in zip(range(1, 11), range(2, 12), strict=True):
        change = _turn(before, first, second) @ _turn(after, first, second).T
        assert rotation_angle_deg(change) < 0.03
    points = after.num_points3D()
    pycolmap.ObservationManager(after).filter_all_points3D(4.0, 1.5)
    assert after.num_points3D() >= 0.9 * points


def _turn(model: pycolmap.Reconstruction, first: int, second: int) -> np.ndarray:
    """Rotation from one image's camera to another's."""
    a, b = (model.image(number).cam_from_world() for number in (first, second))
    return (b * a.inverse()).rotation.matrix()


@pytest.mark.skipif(COLMAP is None, reason="colmap is not installed (apt-get install colmap)")
def test_debians_colmap_takes_the_model(dataset, tmp_path):
    model = dataset / "sparse" / "0"
    assert "Registered images: 11" in _run("colmap", "model_analyzer", "--path", model)
    for name in ("adjusted", "text", "filtered"):
        (tmp_path / name).mkdir()
    _run("colmap", "bundle_adjuster", "--input_path", model, "--output_path", tmp_path / "adjusted")
    _run(
        *("colmap", "image_undistorter", "--image_path", dataset / "images"),
        *("--input_path", model, "--output_path", tmp_path / "undistorted"),
    )
    assert len(list((tmp_path / "undistorted" / "images").iterdir())) == 11
    _run(
        *("colmap", "model_converter", "--input_path", model, "--output_path", tmp_path / "text"),
        *("--output_type", "TXT"),
    )
    found = _run("colmap", "point_filtering", "--input_path", model, "--output_path", tmp_path / "filtered")
    filtered = int(found.split("Filtered observations: ")[1].split()[0])
    observations = sum(p.track.length() for p in pycolmap.Reconstruction(model).points3D.values())
    assert filtered <= 0.1 * observations


def test_stereo_fusion_and_ours_agree(fountain, tmp_path):
    export_scene(fountain, tmp_path / "dense", ColmapDense())
    options = pycolmap.StereoFusionOptions(min_num_pixels=3)
    theirs = pycolmap.stereo_fusion(
        tmp_path / "fused.ply", tmp_path / "dense", input_type="geometric", options=options, output_type="ply"
    )
    points = np.array([point.xyz for point in theirs.points3D.values()])
    ours = fused_points(fountain, FusionConfig(min_views=3, max_points=None)).xyz
    one_percent = 0.01 * float(np.median([np.median(depth[depth > 0]) for depth in fountain.depth]))
    assert len(points) > 50_000
    assert len(ours) > 250_000
    assert (cKDTree(ours).query(points)[0] < one_percent).mean() > 0.97
    assert (cKDTree(points).query(ours)[0] < one_percent).mean() > 0.9


def test_readers_take_the_folders(fountain, dataset, tmp_path):
    assert len(splat_folder(dataset)) == 11
    export_scene(fountain, tmp_path / "ns", NerfstudioExport())
    assert len(splat_folder(tmp_path / "ns")) == 11
    for factor in (1, 2, 4, 8):
        frames, _ = nerfstudio_folder(tmp_path / "ns", factor)
        assert len(frames) == 11
