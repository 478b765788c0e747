"""The example programs do what the README says of them."""

import runpy
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import trimesh
from PIL import Image

from dust3r_sfm.geometry import invert_rigid, rotation_angle_deg
from dust3r_sfm.synthetic.example import write_example

ROOT = Path(__file__).parents[1]
MAX_ERROR_DEG = 0.5
"""Ten times what these thumbnails give; a wrong stage is off by much more."""


@pytest.mark.slow
def test_every_stage_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = write_example(tmp_path / "example", count=3, width=224, height=168)
    by_hand = runpy.run_path(str(ROOT / "examples" / "api.py"))["reconstruct_by_hand"]
    scene = by_hand(example.images, tmp_path / "out")
    assert [view.name for view in scene.views] == ["00.jpg", "01.jpg", "02.jpg"]
    assert "00.jpg: focal" in capsys.readouterr().out
    found, true = _turns(tmp_path / "out"), _turns(example.ground_truth)
    assert rotation_angle_deg(np.swapaxes(found, -1, -2) @ true).max() < MAX_ERROR_DEG


@pytest.mark.slow
def test_two_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = sorted(write_example(tmp_path / "example", count=2, width=320, height=240).images.iterdir())
    example = runpy.run_path(str(ROOT / "examples" / "two_images.py"))
    example["main"](*photos, tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    maps = {f"{photo.name}.{kind}" for photo in photos for kind in ("npz", "depth.png", "confidence.png")}
    assert written == maps | {"matches.png", "pair.glb"}
    assert "100% of the points fit" in capsys.readouterr().out
    model = trimesh.load(tmp_path / "out" / "pair.glb")
    assert set(model.geometry) == {"points", "00.jpg", "01.jpg"}
    assert len(model.geometry["points"].vertices) > 0.5 * 2 * 320 * 240
    with Image.open(tmp_path / "out" / "matches.png") as drawn:
        colors = drawn.getcolors(maxcolors=drawn.width * drawn.height)
    # The matches are the only thing in these photos as red or as blue as this.
    assert colors is not None
    assert sum(count for count, color in colors if max(color) - min(color) > 250) > 1000


def test_the_readme_shows_the_api_example_as_it_is() -> None:
    """The README's Python block is the body of examples/api.py, so that what is shown is what runs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("```python\n")[1].split("```")[0]
    assert shown == (ROOT / "examples" / "api.py").read_text(encoding="utf-8").split('"""\n\n', 1)[1]


def _turns(folder: Path) -> np.ndarray:
    """Rotation of each later photo's camera against the first's, by name."""
    images = sorted(pycolmap.Reconstruction(folder).images.values(), key=lambda image: image.name)
    cam_from_world = np.stack([np.vstack([i.cam_from_world().matrix(), [0, 0, 0, 1]]) for i in images])
    return (cam_from_world @ invert_rigid(cam_from_world[0]))[1:, :3, :3]
