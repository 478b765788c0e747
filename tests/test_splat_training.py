"""Gaussians trained on what we export: far better than with wrong poses, and no worse than COLMAP's model."""

from dataclasses import dataclass
from pathlib import Path

import pycolmap
import pytest
from tiny_splats import held_out_psnr_db, read_posed_images

from benchmarks.colmap_model import Options
from benchmarks.colmap_model import main as run_colmap
from dust3r_sfm.exporters.colmap_dataset import ColmapDataset
from dust3r_sfm.exporters.placement import ImageForm
from dust3r_sfm.pipeline import reconstruct
from dust3r_sfm.pipeline.export import export_scene
from dust3r_sfm.synthetic.example import write_example

DATA = Path(__file__).parents[1].parent / "shared" / "data"
GAUSSIANS, STEPS, WIDTH = 600, 300, 96
WORSE_THAN_COLMAP_DB = 0.2
BETTER_THAN_SHUFFLED_DB = 3.0

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Scores:
    """PSNR of held-out photos, at equal numbers of Gaussians and of steps."""

    ours: float
    shuffled: float
    colmap: float


def scores(photos: Path, held_out: list[str], folder: Path) -> Scores:
    export_scene(reconstruct(photos), folder / "ours", ColmapDataset(form=ImageForm(long_edge=1024)))
    assert run_colmap(Options(photos, folder / "colmap")) == 0
    pycolmap.undistort_images(str(folder / "undistorted"), str(folder / "colmap" / "model"), str(photos))
    ours = read_posed_images(folder / "ours" / "sparse" / "0", folder / "ours" / "images", WIDTH)
    theirs = read_posed_images(folder / "undistorted" / "sparse", folder / "undistorted" / "images", WIDTH)
    assert ours.names == theirs.names
    return Scores(
        held_out_psnr_db(ours, held_out, GAUSSIANS, STEPS),
        held_out_psnr_db(ours, held_out, GAUSSIANS, STEPS, shuffled=True),
        held_out_psnr_db(theirs, held_out, GAUSSIANS, STEPS),
    )


def check(found: Scores) -> None:
    assert found.ours >= found.shuffled + BETTER_THAN_SHUFFLED_DB, found
    assert found.ours >= found.colmap - WORSE_THAN_COLMAP_DB, found


def test_a_rendered_room(tmp_path: Path) -> None:
    photos = write_example(tmp_path / "example", count=8, width=480, height=360).images
    check(scores(photos, ["02.jpg", "05.jpg"], tmp_path))


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason="the photo sets in ../shared/data are not on this machine")
def test_the_fountain(tmp_path: Path) -> None:
    photos = DATA / "strecha_fountain_p11" / "images"
    check(scores(photos, ["0003.jpg", "0005.jpg", "0007.jpg"], tmp_path))
