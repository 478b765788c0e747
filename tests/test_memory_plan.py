"""What a run is said to need, and what happens where there is less."""

from dataclasses import replace

import numpy as np
import pytest

from dust3r_sfm.alignment.gradient import GradientConfig
from dust3r_sfm.errors import InputError
from dust3r_sfm.pipeline import ReconstructConfig
from dust3r_sfm.pipeline.config import options_as_text
from dust3r_sfm.pipeline.memory import allowed_bytes, check_memory, expected_bytes, within_memory
from dust3r_sfm.types import View
from dust3r_sfm.view_graph import Complete, SlidingWindow, view_graph

GIB = 2**30


def needed(count: int, config: ReconstructConfig, graph: Complete | SlidingWindow | None = None) -> int:
    image = np.zeros((384, 512, 3), np.uint8)
    views = [View(f"{k}.png", image, np.eye(3), (512, 384)) for k in range(count)]
    return expected_bytes(views, view_graph([view.name for view in views], graph or Complete()), config)


def test_more_photos_and_more_pairs_need_more() -> None:
    config = ReconstructConfig()
    few, many = needed(10, config), needed(100, config)
    assert 0.5 * GIB < few < 2 * GIB
    assert few < needed(100, config, SlidingWindow(3)) < many < 8 * GIB


@pytest.mark.parametrize(("width", "used_mib"), [(400, 555), (1390, 1215), (1600, 700)])
def test_what_small_sets_used_is_foreseen(width: int, used_mib: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight photos of `dust3r-sfm example --width`, all compared, on two cores: peak memory as measured."""
    monkeypatch.setattr("dust3r_sfm.pipeline.memory.num_workers", lambda: 2)
    size = (width, width * 3 // 4)
    edges = (min(width, 512), min(width, 512) * 3 // 4)
    image = np.zeros((edges[1], edges[0], 3), np.uint8)
    views = [View(f"{k}.png", image, np.eye(3), size) for k in range(8)]
    graph = view_graph([view.name for view in views], Complete())
    foreseen_mib = expected_bytes(views, graph, ReconstructConfig()) / 2**20
    assert used_mib < foreseen_mib < 1.35 * used_mib


def test_the_descent_needs_every_pixel() -> None:
    """4 GiB at 10 photos, where the solved alignment takes a tenth."""
    config = ReconstructConfig(gradient=GradientConfig())
    assert needed(10, config) - needed(10, ReconstructConfig()) == pytest.approx(
        90 * 512 * 384 * 500, rel=0.05
    )


def test_too_much_is_refused_with_a_remedy() -> None:
    config = ReconstructConfig()
    check_memory(2 * GIB, 2 * GIB, config)
    with pytest.raises(InputError, match=r"about 3\.0 GiB of memory, and 2\.0 may be used: compare fewer"):
        check_memory(3 * GIB, 2 * GIB, config)
    with pytest.raises(InputError, match="leave out --alignment gradient"):
        check_memory(3 * GIB, 2 * GIB, replace(config, gradient=GradientConfig()))


def test_little_memory_keeps_more_on_disk_and_gives_the_same_result() -> None:
    config = ReconstructConfig()
    small = within_memory(config, GIB)
    assert small.inference.encoding_bytes < config.inference.encoding_bytes
    assert options_as_text(small) == options_as_text(config)
    assert within_memory(config, 100 * GIB) == config


def test_what_may_be_used() -> None:
    assert allowed_bytes(1.5) == 1.5 * GIB
    assert allowed_bytes(None) > GIB / 4
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="positive"):
            allowed_bytes(wrong)
