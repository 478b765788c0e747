"""How well Gaussians train on our export of a scene, on the same with wrong poses, and on COLMAP's model."""

from dataclasses import dataclass
from pathlib import Path

from tiny_splats import held_out_psnr_db, read_posed_images

from benchmarks.colmap_model import Options
from benchmarks.colmap_model import main as run_colmap
from dust3r_sfm.exporters.config import ColmapDataset, ImageForm
from dust3r_sfm.pipeline.export import export_scene
from dust3r_sfm.types import Scene

GAUSSIANS, STEPS, WIDTH = 800, 400, 128
WORSE_THAN_COLMAP_DB = 0.2
BETTER_THAN_SHUFFLED_DB = 3.0


@dataclass(frozen=True)
class Scores:
    """PSNR of held-out photos, at equal numbers of Gaussians and of steps."""

    ours: float
    shuffled: float
    colmap: float


def scores(scene: Scene, photos: Path, held_out: list[str], folder: Path) -> Scores:
    """All photos have to be in both models."""
    export_scene(scene, folder / "ours", ColmapDataset(form=ImageForm(long_edge=1024)))
    assert run_colmap(Options(photos, folder / "colmap")) == 0
    ours = read_posed_images(folder / "ours" / "sparse" / "0", folder / "ours" / "images", WIDTH)
    theirs = read_posed_images(folder / "colmap" / "model", photos, WIDTH)
    assert ours.names == theirs.names
    return Scores(
        held_out_psnr_db(ours, held_out, GAUSSIANS, STEPS),
        held_out_psnr_db(ours, held_out, GAUSSIANS, STEPS, shuffled=True),
        held_out_psnr_db(theirs, held_out, GAUSSIANS, STEPS),
    )


def check(found: Scores) -> None:
    assert found.ours >= found.shuffled + BETTER_THAN_SHUFFLED_DB, found
    assert found.ours >= found.colmap - WORSE_THAN_COLMAP_DB, found
