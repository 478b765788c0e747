"""Few photos of many sets: how many are placed right, and how many WRONG ones are written as if right.

    python -m benchmarks.few_photos SET... --keep DIR --json OUT
    python -m benchmarks.few_photos SET... --keep DIR --vary verification.parts.min_points

A SET is a folder with images/ and gt/ (a COLMAP text model of the true cameras). Of each set and size one
subset is spread evenly, and `draws` are runs of photos with a random first one and a random step. What is
measured of photos and pairs lies in DIR and is used again, so that thresholds of alignment can be varied in
minutes.

A registered photo of the largest scene is right if its median relative rotation error to the scene's other
photos is under 5 degrees and that of relative directions under 15, wrong otherwise."""

import json
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from jaxtyping import Float

from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.evaluation import PosedCamera, read_posed_cameras
from dust3r_sfm.exporters.tracks.originals import originals_of
from dust3r_sfm.geometry import rotation_angle_deg
from dust3r_sfm.images import load_views
from dust3r_sfm.inference import InferenceConfig
from dust3r_sfm.pipeline.pair_selection import ChosenPairs
from dust3r_sfm.pipeline.scenes import measure_and_align
from dust3r_sfm.progress import Silent
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor
from dust3r_sfm.types import Scene, View
from dust3r_sfm.view_graph import Complete, view_graph

MAX_ROTATION_DEG, MAX_DIRECTION_DEG = 5.0, 15.0


@dataclass(frozen=True)
class Options:
    sets: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with images/ and gt/."""
    keep: Path
    """Where measurements of photos and pairs are kept."""
    sizes: tuple[int, ...] = (4, 6, 8, 12)
    """Photos of a subset."""
    draws: int = 1
    """Random subsets of each set and size, beside the spread one."""
    seed: int = 0
    keypoints: Literal["auto", "sift", "aliked"] = "auto"
    """See StereoConfig."""
    vary: str | None = None
    """Dotted name of a number in AlignmentConfig that is multiplied by each of `by`."""
    by: tuple[float, ...] = (0.75, 1.0, 1.25)
    json: Path | None = None
    """Where to write all rows."""


@dataclass(frozen=True)
class Row:
    """One subset: positions in the sorted photos, how many of them are placed right, and which ones wrong."""

    set: str
    photos: tuple[int, ...]
    factor: float
    right: int
    wrong: tuple[str, ...]
    scenes: tuple[int, ...]
    align_s: float
    """Seconds, of measuring too where that was not kept."""


def main(options: Options) -> None:
    rows = []
    for row in measure(options):
        rows.append(row)
        print(
            f"{row.set}-{len(row.photos)} {row.photos[:2]} x{row.factor}: right {row.right}, wrong"
            f" {' '.join(row.wrong) or 0}, scenes {row.scenes}, {row.align_s:.1f} s",
            flush=True,
        )
    for factor in sorted({row.factor for row in rows}):
        print(f"x{factor}: {summary([row for row in rows if row.factor == factor])}")
    if options.json is not None:
        written = {
            "options": json.loads(json.dumps(asdict(options), default=str)),
            "rows": rows_as_json(rows),
        }
        options.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def rows_as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def summary(rows: Sequence[Row]) -> str:
    photos = sum(len(row.photos) for row in rows)
    right, wrong = sum(row.right for row in rows), sum(len(row.wrong) for row in rows)
    return (
        f"{len(rows)} subsets, {photos} photos: right {right} ({right / photos:.1%}), wrong {wrong}"
        f" ({wrong / photos:.2%}), aligned in {sum(row.align_s for row in rows):.0f} s"
    )


@dataclass(frozen=True)
class Subset:
    """Some photos of a set, their true cameras, and where what is measured of them is kept."""

    name: str
    photos: tuple[int, ...]
    views: tuple[View, ...]
    pairs: ChosenPairs
    truth: dict[str, PosedCamera]
    work: Path


def measure(options: Options) -> Iterator[Row]:
    regressor = StereoRegressor(StereoConfig(keypoints=options.keypoints))
    factors = options.by if options.vary else (1.0,)
    for subset in load_subsets(options, regressor):
        for factor in factors:
            config = AlignmentConfig()
            if options.vary:
                config = vary(config, options.vary.split("."), factor)
            yield align_subset(subset, regressor, config, factor)


def load_subsets(options: Options, regressor: StereoRegressor) -> Iterator[Subset]:
    rng = random.Random(options.seed)
    for folder in options.sets:
        photos = sorted(path for path in (folder / "images").iterdir())
        truth = read_posed_cameras(folder / "gt")
        for size in (size for size in options.sizes if size <= len(photos)):
            for chosen in subsets(len(photos), size, options.draws, rng):
                work = options.keep / f"{folder.name}-{'_'.join(map(str, chosen))}"
                views = load_views([photos[k] for k in chosen], regressor.image_spec).views
                pairs = ChosenPairs(view_graph([view.name for view in views], Complete()))
                yield Subset(folder.name, tuple(chosen), tuple(views), pairs, truth, work)


def align_subset(
    subset: Subset, regressor: StereoRegressor, config: AlignmentConfig, factor: float = 1.0
) -> Row:
    began = time.perf_counter()
    inference = InferenceConfig()
    found = measure_and_align(regressor, subset.views, subset.pairs, config, inference, subset.work, Silent())
    scenes = found.reconstruction.scenes
    taken = time.perf_counter() - began
    right, wrong = verdict(scenes[0], subset.truth) if scenes else (0, ())
    sizes = tuple(len(scene.views) for scene in scenes)
    shutil.rmtree(subset.work / "encodings", ignore_errors=True)  # large, and not needed again
    return Row(subset.name, subset.photos, factor, right, wrong, sizes, taken)


def subsets(count: int, size: int, draws: int, rng: random.Random) -> list[list[int]]:
    """Positions of photos: once evenly spread, then runs with a random first photo and step; each once."""
    out = [sorted({round(k * (count - 1) / (size - 1)) for k in range(size)})]
    for _ in range(draws):
        step = rng.randint(1, max(1, (count - 1) // (size - 1)))
        first = rng.randint(0, count - 1 - step * (size - 1))
        out.append([first + step * k for k in range(size)])
    return [list(chosen) for chosen in dict.fromkeys(map(tuple, out)) if len(chosen) == size]


def vary(config: Any, names: Sequence[str], factor: float) -> Any:
    """The config with the number of this dotted name multiplied."""
    first, *rest = names
    assert first in {field.name for field in fields(config)}, f"no field {first}"
    value = getattr(config, first)
    changed = vary(value, rest, factor) if rest else scale_value(value, factor)
    return replace(config, **{first: changed})


def scale_value(value: Any, factor: float) -> Any:
    """As many times the number, or each of them; a count stays a whole one, and
    one at least."""
    if isinstance(value, tuple):
        return tuple(scale_value(each, factor) for each in value)
    return max(round(value * factor), min(value, 1)) if isinstance(value, int) else value * factor


def verdict(scene: Scene, truth: dict[str, PosedCamera]) -> tuple[int, tuple[str, ...]]:
    """How many photos are right, and the names of the wrong ones."""
    names = [view.name for view in scene.views]
    estimated = originals_of(scene).cam_from_world
    true = np.stack([truth[name].cam_from_world for name in names])
    wrong = tuple(name for row, name in enumerate(names) if not _is_right(row, estimated, true))
    return len(names) - len(wrong), wrong


def _is_right(row: int, estimated: Float[np.ndarray, "n 4 4"], true: Float[np.ndarray, "n 4 4"]) -> bool:
    others = np.arange(len(true)) != row
    found, wanted = (poses[others] @ np.linalg.inv(poses[row]) for poses in (estimated, true))
    turned = rotation_angle_deg(np.swapaxes(wanted[:, :3, :3], 1, 2) @ found[:, :3, :3])
    lengths = np.linalg.norm(found[:, :3, 3], axis=1) * np.linalg.norm(wanted[:, :3, 3], axis=1)
    cosine = (found[:, :3, 3] * wanted[:, :3, 3]).sum(axis=1) / np.maximum(lengths, 1e-300)
    directed = np.where(lengths > 0, np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), 180.0)
    return bool(np.median(turned) <= MAX_ROTATION_DEG and np.median(directed) <= MAX_DIRECTION_DEG)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
