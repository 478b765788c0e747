"""What takes long to make and many tests look at."""

import os
import signal
from pathlib import Path
from types import ModuleType

import ball_room
import pytest
import torch
from filelock import FileLock
from rendered_room import RenderedRoom, render_room
from stored_photos import scene, stored_pixels, truth

__all__ = ["scene", "stored_pixels", "truth"]  # Fixtures for all rooms.

FOUNTAIN = Path(__file__).parents[1].parent / "shared" / "data" / "strecha_fountain_p11" / "images"

# Test pictures are too small to share among cores; on a busy machine sharing takes ten times as long.
torch.set_num_threads(1)

# In the background of a script Ctrl-C is ignored, and programs leave that as it is: tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "how often test_random_kills.py tries each command at moments of its own"
    parser.addoption("--kill-rounds", type=int, default=2, help=help_text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill_round" in metafunc.fixturenames:
        metafunc.parametrize("kill_round", range(metafunc.config.getoption("--kill-rounds")))


@pytest.fixture(scope="session")
def scenes() -> ModuleType:
    """A ball in a room, with exact depth: the helpers of `ball_room`."""
    return ball_room


@pytest.fixture(scope="session")
def rendered_rooms() -> tuple[RenderedRoom, RenderedRoom]:
    """Three photos each of two rooms that share nothing."""
    return render_room(0), render_room(1)


@pytest.fixture(scope="session")
def fountain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `reconstruct` writes of strecha_fountain_p11, once for all workers of a run."""
    if not FOUNTAIN.is_dir():
        pytest.skip("../shared/data has no photos of the fountain")
    from dust3r_sfm.pipeline import reconstruct_all

    base = tmp_path_factory.getbasetemp()
    output = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "fountain"
    with FileLock(output.with_suffix(".lock")):
        if not (output / "report.json").exists():
            reconstruct_all(FOUNTAIN, output=output)
    return output
