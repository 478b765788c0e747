"""The example folder holds photos and a truth that COLMAP reads back exactly."""

from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image

from dust3r_sfm.errors import OutputError
from dust3r_sfm.synthetic.cameras import arc_cameras
from dust3r_sfm.synthetic.example import write_example
from dust3r_sfm.synthetic.scenes import room_scene


class Counter:
    def __init__(self) -> None:
        self.total, self.done = 0, 0

    def start(self, label: str, total: int, unit: str) -> None:
        self.total = total

    def advance(self, count: int = 1) -> None:
        self.done += count


def test_photos_and_truth_are_written_and_colmap_reads_them(tmp_path: Path) -> None:
    progress = Counter()
    paths = write_example(tmp_path / "example", count=2, width=96, height=72, seed=4, progress=progress)
    assert (progress.total, progress.done) == (2, 2)
    assert sorted(p.name for p in paths.images.iterdir()) == ["00.jpg", "01.jpg"]
    assert Image.open(paths.images / "00.jpg").size == (96, 72)
    assert not Image.open(paths.images / "00.jpg").getexif()
    model = pycolmap.Reconstruction(paths.ground_truth)
    rig = arc_cameras(room_scene(4), 2, 96, 72, 0.8 * 96)
    for image in model.images.values():
        index = int(image.name[:2])
        assert np.allclose(image.cam_from_world().matrix(), rig.cam_from_world[index][:3], atol=1e-12)
        assert np.allclose(image.camera.calibration_matrix(), rig.cameras[index].matrix)
    assert len(model.images) == 2
    assert model.num_points3D() == 4000


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not an empty folder"):
        write_example(tmp_path, count=1, width=32, height=24)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
