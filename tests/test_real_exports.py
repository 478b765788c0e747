"""Exports of a real scene, taken on by COLMAP's own programs."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from scipy.spatial import cKDTree
from splat_scores import check, scores
from trainer_readers import nerfstudio_folder, splat_folder

from dust3r_sfm.dense.fused_cloud import CloudFusionConfig, fuse_points
from dust3r_sfm.evaluation import read_posed_cameras, relative_centre_error
from dust3r_sfm.exporters.config import ColmapDataset, ColmapDense, ColmapExport, NerfstudioExport
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.pipeline.export import export_scene, load_saved_scene

FOUNTAIN = Path(__file__).parents[1].parent / "shared" / "data" / "strecha_fountain_p11" / "images"
COLMAP = shutil.which("colmap")

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.slow,
    pytest.mark.skipif(not FOUNTAIN.is_dir(), reason="../shared/data has no photos of the fountain"),
]


@pytest.fixture(scope="module")
def scene(fountain):
    return load_saved_scene(fountain)


@pytest.fixture(scope="module")
def dataset(scene, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("colmap") / "out"
    export_scene(scene, folder, ColmapDataset())
    return folder


def _run(*arguments: str | Path) -> str:
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_bundle_adjustment_moves_nothing_and_filters_keep_the_points(dataset, tmp_path):
    before, after = (pycolmap.Reconstruction(dataset / "sparse" / "0") for _ in range(2))
    pycolmap.bundle_adjustment(after)
    assert _largest_turn(before, after) < 0.03
    after.write(tmp_path)
    assert _shift(dataset / "sparse" / "0", tmp_path) < 4e-4
    points = after.num_points3D()
    pycolmap.ObservationManager(after).filter_all_points3D(4.0, 1.5)
    assert after.num_points3D() >= 0.9 * points


def _largest_turn(before: pycolmap.Reconstruction, after: pycolmap.Reconstruction) -> float:
    """Degrees by which the rotation from an image's camera to the next one's differs. The noise of the poses
    themselves is 0.1 and more (docs/benchmarks.md)."""
    neighbours = zip(range(1, 11), range(2, 12), strict=True)
    return max(rotation_angle_deg(_turn(before, i, j) @ _turn(after, i, j).T) for i, j in neighbours)


def _shift(before: Path, after: Path) -> float:
    """Of the cameras, as a share of the rig's size. Their own error is 1.2e-3."""
    found = relative_centre_error(read_posed_cameras(after), read_posed_cameras(before))
    assert found is not None
    return found


def _turn(model: pycolmap.Reconstruction, first: int, second: int) -> np.ndarray:
    """Rotation from one image's camera to another's."""
    a, b = (model.image(number).cam_from_world() for number in (first, second))
    return (b * a.inverse()).rotation.matrix()


def test_pycolmap_takes_the_model(dataset, tmp_path):
    pycolmap.undistort_images(tmp_path, dataset / "sparse" / "0", dataset / "images")
    again = pycolmap.Reconstruction(tmp_path / "sparse")
    assert len(list((tmp_path / "images").iterdir())) == again.num_reg_images() == 11
    assert again.num_points3D() == len(_points(dataset / "sparse" / "0"))
    (tmp_path / "text").mkdir()
    again.write_text(tmp_path / "text")
    assert pycolmap.Reconstruction(tmp_path / "text").compute_mean_reprojection_error() < 0.5


@pytest.mark.parametrize("budget", [1_000, 100_000, None])
def test_budgets_are_met_and_cover_every_image(scene, tmp_path, budget):
    export_scene(scene, tmp_path / "out", ColmapExport(budget))
    model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
    assert 0 < model.num_points3D() <= (budget or len(scene.tracks.xyz))
    assert min(image.num_points3D for image in model.images.values()) > 200
    assert min(point.track.length() for point in model.points3D.values()) >= 2


@pytest.mark.skipif(COLMAP is None, reason="colmap is not installed (apt-get install colmap)")
def test_debians_colmap_takes_the_model(dataset, tmp_path):
    model = dataset / "sparse" / "0"
    said = _run("colmap", "model_analyzer", "--path", model)
    assert "Registered images: 11" in said
    assert float(said.split("Mean reprojection error: ")[1].split("px")[0]) < 0.5
    for name in ("adjusted", "text", "filtered"):
        (tmp_path / name).mkdir()
    _run("colmap", "bundle_adjuster", "--input_path", model, "--output_path", tmp_path / "adjusted")
    assert _largest_turn(*(pycolmap.Reconstruction(m) for m in (model, tmp_path / "adjusted"))) < 0.03
    assert _shift(model, tmp_path / "adjusted") < 4e-4
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
    assert pycolmap.Reconstruction(tmp_path / "filtered").num_points3D() >= 0.9 * len(_points(model))
    filtered = int(found.split("Filtered observations: ")[1].split()[0])
    assert filtered <= 0.1 * sum(point.track.length() for point in _points(model))


def _points(model: Path) -> list[pycolmap.Point3D]:
    return list(pycolmap.Reconstruction(model).points3D.values())


@pytest.mark.skipif(COLMAP is None, reason="colmap is not installed (apt-get install colmap)")
def test_debians_colmap_fuses_and_meshes_the_dense_workspace(scene, tmp_path):
    dense = tmp_path / "dense"
    export_scene(scene, dense, ColmapDense(long_edge=640))
    fused, mesh = dense / "fused.ply", dense / "mesh.ply"
    said = _run(
        *("colmap", "stereo_fusion", "--workspace_path", dense, "--output_path", fused),
        *("--input_type", "geometric", "--StereoFusion.min_num_pixels", "3"),
    )
    assert int(said.split("Number of fused points: ")[1].split()[0]) > 50_000
    _run(
        *("colmap", "poisson_mesher", "--input_path", fused, "--output_path", mesh),
        *("--PoissonMeshing.depth", "8", "--PoissonMeshing.trim", "6"),
    )
    assert int(mesh.read_bytes().split(b"element face ")[1].split()[0]) > 5_000


def test_stereo_fusion_and_ours_agree(scene, tmp_path):
    export_scene(scene, tmp_path / "dense", ColmapDense())
    options = pycolmap.StereoFusionOptions(min_num_pixels=3)
    theirs = pycolmap.stereo_fusion(
        tmp_path / "fused.ply", tmp_path / "dense", input_type="geometric", options=options, output_type="ply"
    )
    points = np.array([point.xyz for point in theirs.points3D.values()])
    ours = fuse_points(scene, CloudFusionConfig(min_views=3, max_points=None)).xyz
    one_percent = 0.01 * float(np.median([np.median(depth[depth > 0]) for depth in scene.depth]))
    assert len(points) > 50_000
    assert len(ours) > 250_000
    assert (cKDTree(ours).query(points)[0] < one_percent).mean() > 0.97
    assert (cKDTree(points).query(ours)[0] < one_percent).mean() > 0.9


def test_readers_take_the_folders(scene, dataset, tmp_path):
    assert len(splat_folder(dataset)) == 11
    export_scene(scene, tmp_path / "ns", NerfstudioExport())
    assert len(splat_folder(tmp_path / "ns")) == 11
    for factor in (1, 2, 4, 8):
        frames, _ = nerfstudio_folder(tmp_path / "ns", factor)
        assert len(frames) == 11


def test_gaussians_train_as_well_as_on_colmaps_own_model(scene, tmp_path):
    check(scores(scene, FOUNTAIN, ["0003.jpg", "0005.jpg", "0007.jpg"], tmp_path))
