"""`dust3r-sfm frames`: photos out of a video."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dust3r_sfm.cli import main

av = pytest.importorskip("av", reason="videos need PyAV, the extra [video]")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Of twelve frames, each of another grey, without loss."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5, options={"level": "3"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for grey in range(0, 240, 20):
            frame = np.full((48, 64, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_frames_are_photos(film: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "frames"
    assert main(["frames", str(film), str(out), "--count", "4", "--frame-choice", "even"]) == 0
    said, err = capfd.readouterr()
    assert said.splitlines() == [f"4 frames in {out}", f"next: dust3r-sfm reconstruct {out} OUT"]
    assert "Reading video: 12 frames" in err.splitlines()
    greys = [np.asarray(Image.open(path)).mean() for path in sorted(out.iterdir())]
    assert greys == sorted(greys)
    assert len(set(greys)) == 4


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["FILM", "OUT", "--count", "1"], 2, "--count 1"),
        (["NONE", "OUT"], 2, "is no file"),
        (["TEXT", "OUT"], 2, "text.mp4"),
        (["FILM", "TAKEN"], 3, "exists already"),
    ],
)
def test_what_is_refused(
    film: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    says: str,
) -> None:
    (tmp_path / "text.mp4").write_text("words")
    (tmp_path / "taken").mkdir()
    places = {"FILM": film, "TEXT": tmp_path / "text.mp4", "TAKEN": tmp_path / "taken", "OUT": tmp_path / "o"}
    places["NONE"] = tmp_path / "none.mp4"
    assert main(["frames", *(str(places.get(word, word)) for word in words), "--quiet"]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert says in err
    assert not (tmp_path / "o").exists()
