"""The parsers of our own under coverage-guided fuzzing (atheris, extra `fuzz`; not in CI).

    python -m benchmarks.fuzz_parsers --seconds 3600 --corpus DIR

The first byte of an input chooses the parser, the rest is the file. A parser may return, raise InputError, or
ValueError where its caller adds the file's name; whatever else it raises ends the run and leaves the input in
DIR. Seeds are the whole files of `hostile_kinds`, so that none need be kept."""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import atheris
import numpy as np
import tyro

with atheris.instrument_imports(
    include=["dust3r_sfm.io", "dust3r_sfm.view_graph", "dust3r_sfm.pipeline.known"]
):
    from dust3r_sfm.errors import InputError
    from dust3r_sfm.io.colmap.binary import (
        read_binary_cameras,
        read_binary_frames,
        read_binary_images,
        read_binary_rigs,
        read_binary_tracks,
    )
    from dust3r_sfm.io.colmap.text import read_text_cameras, read_text_images, read_text_tracks
    from dust3r_sfm.io.intrinsics import read_intrinsics
    from dust3r_sfm.io.pose_lists import read_poses
    from dust3r_sfm.io.scene_file import load_scene
    from dust3r_sfm.io.transforms_json import camera_of_fields, read_transforms
    from dust3r_sfm.pipeline.known.world import read_positions
    from dust3r_sfm.view_graph import PairsFile, view_graph

from benchmarks.hostile_kinds import kinds

NAMES = ("0.jpg", "1.jpg", "2.jpg", "3.jpg")


@dataclass(frozen=True)
class Options:
    corpus: Path
    """Where inputs that reach new code are kept, and those that fail."""
    seconds: int = 3600
    seed: int = 1


def main(options: Options) -> None:
    options.corpus.mkdir(parents=True, exist_ok=True)
    _write_seeds(options.corpus)
    parsers = tuple(PARSERS.values())
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        file = Path(folder) / "input"

        def parse(data: bytes) -> None:
            file.write_bytes(data[1:])
            with contextlib.suppress(InputError, ValueError):
                parsers[data[0] % len(parsers) if data else 0](file)

        arguments = [
            f"-max_total_time={options.seconds}",
            f"-seed={options.seed}",
            "-timeout=10",
            "-rss_limit_mb=3000",
        ]
        atheris.Setup(
            [sys.argv[0], *arguments, f"-artifact_prefix={options.corpus}/fault-", str(options.corpus)], parse
        )
        atheris.Fuzz()


def _pairs(file: Path) -> None:
    view_graph(NAMES, PairsFile(file))


def _transforms(file: Path) -> None:
    found = read_transforms(file)
    for name, pose in found.cam_from_world.items():
        assert np.isfinite(pose).all()
        assert np.isfinite(camera_of_fields(found.fields[name], (640, 480)).params).all()


def _poses(file: Path) -> None:
    assert all(np.isfinite(pose).all() for pose in read_poses(file).values())


PARSERS: Mapping[str, Callable[[Path], object]] = {
    "cameras.bin": read_binary_cameras,
    "images.bin": read_binary_images,
    "points3D.bin": read_binary_tracks,
    "rigs.bin": read_binary_rigs,
    "frames.bin": read_binary_frames,
    "cameras.txt": read_text_cameras,
    "images.txt": read_text_images,
    "points3D.txt": read_text_tracks,
    "intrinsics.txt": read_intrinsics,
    "poses.txt": _poses,
    "positions.txt": read_positions,
    "pairs.txt": _pairs,
    "transforms.json": _transforms,
    "scene.npz": load_scene,
}
"""By the name of a whole file that it reads."""


def _write_seeds(corpus: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(("binary model", "text model", "list", "transforms.json", "scene")):
            place = Path(folder) / str(number)
            place.mkdir()
            kinds()[name].make(place)
            for file in place.iterdir():
                called = "intrinsics.txt" if (name, file.name) == ("list", "cameras.txt") else file.name
                if called in PARSERS:
                    first = bytes([list(PARSERS).index(called)])
                    (corpus / f"seed-{called}").write_bytes(first + file.read_bytes())


if __name__ == "__main__":
    main(tyro.cli(Options))
