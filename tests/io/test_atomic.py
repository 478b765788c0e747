"""Nothing half-written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dust3r_sfm.errors import OutputError
from dust3r_sfm.io.atomic import write_atomically


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _write_half_and_fail(path: Path) -> None:
    path.write_text("half")
    path.mkdir()


def test_appears_only_when_the_block_ends(tmp_path):
    target = tmp_path / "deep" / "model"
    with write_atomically(target) as partial:
        partial.mkdir()
        (partial / "a").write_text("1")
        assert not target.exists()
        assert partial.name.startswith(".model.partial-")
    assert (target / "a").read_text() == "1"
    assert _names(target.parent) == ["model"]


def test_failure_leaves_the_old_one_and_no_trace(tmp_path):
    target = tmp_path / "points.ply"
    target.write_text("old")
    with pytest.raises(FileExistsError), write_atomically(target, replace=True) as partial:
        _write_half_and_fail(partial)
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["points.ply"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_replaces_only_when_told(tmp_path, kind):
    target = tmp_path / "out"

    def write(path: Path, text: str) -> None:
        if kind == "folder":
            path.mkdir()
            path /= text
        path.write_text(text)

    write(target, "old")
    with pytest.raises(OutputError, match="exists already"), write_atomically(target) as partial:
        write(partial, "never")
    with write_atomically(target, replace=True) as partial:
        write(partial, "new")
    assert _names(tmp_path) == ["out"]
    assert (_names(target) == ["new"]) if kind == "folder" else (target.read_text() == "new")


def test_killed_run_leaves_only_what_the_next_removes(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dust3r_sfm.io.atomic import write_atomically\n"
        "with write_atomically(Path(sys.argv[1])) as partial:\n"
        "    partial.mkdir(); (partial / 'half').write_text('half')\n"
        f"    os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    )
    target = tmp_path / "model"
    package_root = str(Path(__file__).parents[2])
    killed = subprocess.run(
        [sys.executable, "-c", code, str(target)], env={**os.environ, "PYTHONPATH": package_root}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    assert all(name.startswith(".model.partial-") for name in _names(tmp_path))
    assert len(_names(tmp_path)) == 1
    with write_atomically(target) as partial:
        partial.mkdir()
    assert _names(tmp_path) == ["model"]


def test_unwritable_parent_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(OutputError, match="Choose another output"),
        write_atomically(tmp_path / "file" / "model"),
    ):
        pass


def test_a_file_never_takes_the_place_of_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "mine.txt").write_text("keep")
    with (
        pytest.raises(OutputError, match="target: is a folder; name a file"),
        write_atomically(target, replace=True) as partial,
    ):
        partial.write_text("new")
    assert (target / "mine.txt").read_text() == "keep"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "x" * 234, "x" * 233])
def test_a_name_as_long_as_can_be(tmp_path: Path, name: str) -> None:
    for text in ("first", "second"):
        with write_atomically(tmp_path / name, replace=True) as partial:
            partial.write_text(text)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "second"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    """As root, a device would be: /dev/null by a file."""
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(OutputError, match="is a device or a pipe; name a file"),
        write_atomically(tmp_path / "pipe", replace=True) as partial,
    ):
        partial.write_text("text")
    assert (tmp_path / "pipe").is_fifo()
    assert _names(tmp_path) == ["pipe"]


def test_what_another_process_still_writes_is_left_alone(tmp_path: Path) -> None:
    """And what stands there in the end is whole, of one of the two."""
    program = (
        "import sys; from pathlib import Path; from dust3r_sfm.io.atomic import write_atomically\n"
        "with write_atomically(Path(sys.argv[1]), replace=True) as partial:\n"
        "    partial.write_text('of the other'); print('writing', flush=True); sys.stdin.read()\n"
    )
    target = tmp_path / "poses.txt"
    other = subprocess.Popen(
        [sys.executable, "-c", program, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "writing\n"
    with write_atomically(target, replace=True) as partial:
        partial.write_text("ours")
    assert target.read_text() == "ours"
    other.communicate()
    assert other.returncode == 0
    assert target.read_text() == "of the other"
    assert _names(tmp_path) == ["poses.txt"]


def test_what_is_new_stays_new(tmp_path: Path) -> None:
    """Made by somebody else meanwhile."""
    target = tmp_path / "out"

    def write() -> None:
        with write_atomically(target) as partial:
            partial.write_text("second")
            target.write_text("first")

    with pytest.raises(OutputError, match="exists already"):
        write()
    assert target.read_text() == "first"
    assert _names(tmp_path) == ["out"]
