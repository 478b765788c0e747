"""How long a large scene takes until it can be turned in the browser, and what memory it takes.

    python -m benchmarks.viewer_scale --json viewer.json

A COLMAP model is written of cameras along a walk and points on walls beside it, each seen by some photos, and
`dust3r-sfm view` started on it, as users do. Interactive is a scene whose first points are drawn and whose
panel answers, in a headless Chromium, which without a graphics card draws by the processor.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

OBSERVATIONS = 4
"""Photos that see each point."""


@dataclass(frozen=True)
class Options:
    cameras: int = 1000
    """How many photos."""
    points: int = 2_000_000
    """How many points."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Where to write all figures."""


@dataclass(frozen=True)
class ViewerScale:
    """What one scene took."""

    cameras: int
    points: int
    model_mb: float
    """On disk."""
    served_s: float
    """From the command's start until it tells its address: libraries, reading, and what is sent first."""
    served_cpu_s: float
    """Of these the processor's own, whatever else the machine does."""
    loaded_s: float
    """From the command's start until the browser has the panel and the first points."""
    interactive_s: float
    """From the command's start until the browser shows points, and a choice in the panel was answered."""
    answer_s: float
    """Of another choice: from the click until the panel says what is shown."""
    frame_ms: float
    """Between two frames that the browser draws while it is left alone (median)."""
    server_mb: float
    """Most memory that the server held (resident)."""
    sent_mb: float
    """To the browser, by then."""


def write_model(folder: Path, cameras: int, points: int) -> None:
    """In COLMAP's binary form: all photos of one camera, point k is seen by consecutive photos."""
    rng = np.random.default_rng(0)
    pinhole = np.array(
        [(1, 1, 640, 480)], dtype=[("id", "<i4"), ("model", "<i4"), ("w", "<u8"), ("h", "<u8")]
    )
    (folder / "cameras.bin").write_bytes(
        np.uint64(1).tobytes() + pinhole.tobytes() + np.array([500.0, 500.0, 320.0, 240.0]).tobytes()
    )
    first = rng.integers(0, max(1, cameras - OBSERVATIONS), points)
    seen = first[:, None] + np.arange(OBSERVATIONS)
    photo, point = seen.ravel(), np.repeat(np.arange(points), seen.shape[1])
    by_photo = np.argsort(photo, kind="stable")
    index_in_photo = np.empty(len(photo), dtype=np.int64)
    starts = np.searchsorted(photo[by_photo], np.arange(cameras + 1))
    index_in_photo[by_photo] = np.arange(len(photo)) - np.repeat(starts[:-1], np.diff(starts))
    _write_images(folder / "images.bin", cameras, point[by_photo], starts, rng)
    _write_points(folder / "points3D.bin", first, seen, index_in_photo.reshape(seen.shape), rng)


def _write_images(
    file: Path, cameras: int, points: np.ndarray, starts: np.ndarray, rng: np.random.Generator
) -> None:
    keypoint = np.dtype([("xy", "<f8", 2), ("id", "<u8")])
    with file.open("wb") as out:
        out.write(np.uint64(cameras).tobytes())
        for number in range(cameras):
            pose = np.array([1.0, 0, 0, 0, -0.1 * number, 0, 0])
            out.write(np.uint32(number + 1).tobytes() + pose.tobytes() + np.uint32(1).tobytes())
            out.write(f"{number:05}.jpg".encode() + b"\0")
            seen = points[starts[number] : starts[number + 1]]
            rows = np.zeros(len(seen), keypoint)
            rows["xy"], rows["id"] = rng.uniform(0, 480, (len(seen), 2)), seen + 1
            out.write(np.uint64(len(seen)).tobytes() + rows.tobytes())


def _write_points(
    file: Path, first: np.ndarray, seen: np.ndarray, index: np.ndarray, rng: np.random.Generator
) -> None:
    record = np.dtype(
        [("id", "<u8"), ("xyz", "<f8", 3), ("rgb", "u1", 3), ("error", "<f8"), ("length", "<u8")]
        + [("track", "<u4", (seen.shape[1], 2))]
    )
    rows = np.zeros(len(first), record)
    rows["id"] = np.arange(len(first)) + 1
    rows["xyz"] = np.stack(
        [
            0.1 * first + rng.uniform(0, 0.4, len(first)),
            rng.uniform(-2, 1, len(first)),
            rng.normal(4, 0.3, len(first)),
        ],
        axis=1,
    )
    rows["rgb"] = rng.integers(0, 256, (len(first), 3))
    rows["error"], rows["length"] = 0.5, seen.shape[1]
    rows["track"] = np.stack([seen + 1, index], axis=-1)
    file.write_bytes(np.uint64(len(rows)).tobytes() + rows.tobytes())


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """The address of `dust3r-sfm view`, and its process."""
    words = [sys.executable, "-u", "-m", "dust3r_sfm.cli", "view", str(folder), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None, "the command told no address"
        try:
            yield found.group(), process.pid
        finally:
            process.terminate()


def peak_mb(pid: int) -> float:
    """Most that a process was resident with."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found.group(1)) / 1024


def cpu_s(pid: int) -> float:
    """Seconds that a process computed so far, in all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


FRAME_MS = """() => new Promise((resolve) => {
  const at = [];
  const tick = (now) => { at.push(now); at.length < 12 ? requestAnimationFrame(tick) : resolve(at); };
  requestAnimationFrame(tick);
})"""


def measure(options: Options) -> ViewerScale:
    """Of a scene of this size."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name, sync_playwright() as play:
        folder = Path(name)
        write_model(folder, options.cameras, options.points)
        size = sum(file.stat().st_size for file in folder.iterdir())
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        received = [0]
        page.on("websocket", lambda socket: socket.on("framereceived", lambda data: _count(received, data)))
        start = time.perf_counter()
        with served(folder) as (url, pid):
            served_s, served_cpu_s = time.perf_counter() - start, cpu_s(pid)
            page.goto(url)
            page.get_by_text("points shown").wait_for(timeout=120_000)
            loaded_s = time.perf_counter() - start
            interactive_s = time.perf_counter() - start + _answer_s(page, options.points // 6)
            answer_s = _answer_s(page, options.points // 5)
            at = page.evaluate(FRAME_MS)
            memory = peak_mb(pid)
        browser.close()
    return ViewerScale(
        options.cameras,
        options.points,
        size / 1e6,
        served_s,
        served_cpu_s,
        loaded_s,
        interactive_s,
        answer_s,
        float(np.median(np.diff(at))),
        memory,
        received[0] / 1e6,
    )


def _answer_s(page: Any, points: int) -> float:
    """Seconds from another number of most points until the panel says that so many are shown."""
    said = page.get_by_text("points shown").inner_text()
    start = time.perf_counter()
    page.locator("xpath=//label[.='Most points']/../../..").get_by_role("textbox").fill(str(points))
    page.wait_for_function("said => !document.body.innerText.includes(said)", arg=said, timeout=60_000)
    return time.perf_counter() - start


def _count(received: list[int], data: bytes | str) -> None:
    received[0] += len(data)


def main(options: Options) -> None:
    """Prints a row of docs/benchmarks.md."""
    scale = measure(options)
    if options.json is not None:
        options.json.write_text(json.dumps(asdict(scale), indent=1) + "\n", encoding="utf-8")
    row = {
        "cameras": f"{scale.cameras}",
        "points": f"{scale.points:,}",
        "served, s": f"{scale.served_s:.1f}",
        "of it computing, s": f"{scale.served_cpu_s:.1f}",
        "loaded, s": f"{scale.loaded_s:.1f}",
        "interactive, s": f"{scale.interactive_s:.1f}",
        "answer, s": f"{scale.answer_s:.1f}",
        "frame, ms": f"{scale.frame_ms:.0f}",
        "server, MB": f"{scale.server_mb:.0f}",
        "sent, MB": f"{scale.sent_mb:.1f}",
    }
    for cells in (row.keys(), ["---"] * len(row), row.values()):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(tyro.cli(Options))
