"""Photo sets of made-up places with exact truth: what is written of them is surely right or wrong.

    python -m benchmarks.rendered_sets OUT [--kinds facade pans ...] [--seed 0] [--count N]

Each set is a folder OUT/KIND (OUT/KIND-SEED for seeds above 0, and for kinds of several sets) with images/
(JPEG without EXIF, in the order of the path) and gt/ (COLMAP text). Existing folders are refused.
"""

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import tyro

from dust3r_sfm.errors import OutputError
from dust3r_sfm.synthetic.example import write_ground_truth
from dust3r_sfm.synthetic.places.kinds import KINDS
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.rendering.photo import render_photo
from dust3r_sfm.synthetic.rendering.render import Rendering
from dust3r_sfm.synthetic.rendering.sensor import develop, write_jpeg
from dust3r_sfm.types import Camera, Rigid


@dataclass(frozen=True)
class Options:
    out: Annotated[Path, tyro.conf.Positional]
    """Where the sets go."""
    kinds: tuple[str, ...] = tuple(KINDS)
    """Which kinds, in this order."""
    seed: int = 0
    """Of the first set of each kind; kinds of several sets go on from it."""
    count: int | None = None
    """Photos of each set, if not the kind's own number."""
    sets: int | None = None
    """Sets of each kind, if not the kind's own number."""
    width: int = 640
    """Of the photos, in pixels."""
    height: int = 480
    """Of the photos, in pixels."""
    workers: int = 2
    """Processes that render at once."""
    truth_step_px: int = 4
    """Every so many pixels, across and down, may give a point of the truth: all of them would fill memory."""


def main(options: Options) -> None:
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for name in options.kinds:
            kind = KINDS[name]
            for seed in range(options.seed, options.seed + (options.sets or kind.sets)):
                folder = options.out / (name if seed == 0 and kind.sets == 1 else f"{name}-{seed}")
                request = Request(seed, options.count or kind.count, options.width, options.height)
                began = perf_counter()
                write_set(folder, kind.shoot(request), seed, options.truth_step_px, pool)
                print(f"{folder}: {request.count} photos, {perf_counter() - began:.0f} s", flush=True)


def write_set(folder: Path, shoot: Shoot, seed: int, truth_step_px: int, pool: Executor) -> None:
    """images/ and gt/ of one set, rendered in `pool`. Raises OutputError if `folder` exists."""
    if folder.exists():
        raise OutputError(f"{folder}: exists already; name another place or remove it")
    images = folder / "images"
    images.mkdir(parents=True)
    names = photo_names(len(shoot.rig.cameras))
    write_one = partial(_write_photo, shoot, images, names, seed, truth_step_px)
    renderings = list(pool.map(write_one, range(len(names))))
    write_ground_truth(folder / "gt", shoot.rig, names, renderings, seed)


def photo_names(count: int) -> list[str]:
    return [f"{index:03d}.jpg" for index in range(count)]


def _write_photo(
    shoot: Shoot, images: Path, names: Sequence[str], seed: int, truth_step_px: int, index: int
) -> Rendering:
    """Render and write one photo; every few pixels of it are what the truth's points are drawn from."""
    camera: Camera = shoot.rig.cameras[index]
    cam_from_world: Rigid = shoot.rig.cam_from_world[index]
    photo = render_photo(shoot.scene, camera, cam_from_world)
    image = develop(photo.light, np.random.default_rng([seed, index]))
    write_jpeg(images / names[index], image)
    few = (slice(None, None, truth_step_px),) * 2
    surface = photo.surface
    return Rendering(image[few], surface.depth[few], surface.points[few], surface.object_id[few])


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
