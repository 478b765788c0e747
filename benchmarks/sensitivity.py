"""What halving and doubling each threshold of alignment does to few photos of many sets.

    python -m benchmarks.sensitivity SET... --keep DIR --json OUT --page docs/thresholds.md

The subsets are those of `benchmarks.few_photos`; what is measured of photos and pairs lies in DIR and is used
again, so that a field costs two alignments of each subset. A field that only bounds work, or that these
photos never come near, moves nothing; one that moves right photos by more than a few, or lets wrong ones in,
sits on a cliff."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks.few_photos import Options as Photos
from benchmarks.few_photos import Row, Subset, align_subset, load_subsets, vary
from dust3r_sfm.alignment import AlignmentConfig
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor

FACTORS = (0.5, 2.0)
NO_THRESHOLDS = ("presets", "seed", "cameras", "incremental.focal_factors")
"""Fields of AlignmentConfig that are given, not tuned."""


@dataclass(frozen=True)
class Options:
    sets: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with images/ and gt/."""
    keep: Path
    """Where measurements of photos and pairs are kept."""
    sizes: tuple[int, ...] = (6, 8)
    """Photos of a subset."""
    draws: int = 0
    """Random subsets of each set and size, beside the spread one."""
    seed: int = 0
    only: tuple[str, ...] = ()
    """Dotted names of fields, or beginnings of names; all if none is given."""
    json: Path | None = None
    """Where to write figures, and where they are continued from: fields that are there are not run again."""
    page: Path | None = None
    """Where to write a table of all figures, in Markdown."""


@dataclass(frozen=True)
class Figures:
    """Over all subsets: right photos and wrong ones."""

    right: int
    wrong: int


def main(options: Options) -> None:
    regressor = StereoRegressor(StereoConfig())
    photos = Photos(options.sets, options.keep, options.sizes, options.draws, options.seed)
    subsets = list(load_subsets(photos, regressor))
    known = _read(options.json)
    for name, factor in _jobs(options.only):
        key = name if factor == 1.0 else f"{name} x{factor}"
        if key not in known:
            known[key] = figures(subsets, regressor, name, factor)
            print(f"{key}: right {known[key].right}, wrong {known[key].wrong}", flush=True)
            _write(options.json, known)
    if options.page is not None:
        options.page.write_text(page(known, len(subsets), regressor), encoding="utf-8")


def _jobs(only: Sequence[str]) -> Iterator[tuple[str, float]]:
    yield "", 1.0
    for name in thresholds(AlignmentConfig()):
        if not only or name.startswith(tuple(only)):
            yield from ((name, factor) for factor in FACTORS)


def thresholds(config: Any, prefix: str = "") -> Iterator[str]:
    """Dotted names of all numbers of a config."""
    for field in fields(config):
        value, name = getattr(config, field.name), f"{prefix}{field.name}"
        if name in NO_THRESHOLDS or isinstance(value, bool | str):
            continue
        if is_dataclass(value):
            yield from thresholds(value, f"{name}.")
        elif isinstance(value, int | float | tuple):
            yield name


def figures(subsets: Sequence[Subset], regressor: StereoRegressor, name: str, factor: float) -> Figures:
    config = vary(AlignmentConfig(), name.split("."), factor) if name else AlignmentConfig()
    rows: list[Row] = [align_subset(subset, regressor, config, factor) for subset in subsets]
    return Figures(sum(row.right for row in rows), sum(len(row.wrong) for row in rows))


def _read(path: Path | None) -> dict[str, Figures]:
    if path is None or not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {name: Figures(**values) for name, values in stored.items()}


def _write(path: Path | None, known: dict[str, Figures]) -> None:
    if path is not None:
        rows = {name: asdict(values) for name, values in known.items()}
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def page(known: dict[str, Figures], count: int, regressor: StereoRegressor) -> str:
    """A Markdown table, the most influential fields first."""
    default = known[""]
    lines = [
        "# Thresholds: what halving and doubling them does",
        "",
        f"Made by `python -m benchmarks.sensitivity` on {count} subsets (regressor {regressor.name}): with",
        f"the defaults {default.right} photos are right and {default.wrong} wrong. Differences to that:",
        "",
        "| of `AlignmentConfig` | default | right, half | right, double | wrong, half | wrong, double |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows = [row for name in thresholds(AlignmentConfig()) if (row := _row(name, known, default)) is not None]
    lines += [text for _, text in sorted(rows, key=lambda row: -row[0])]
    return "\n".join(lines) + "\n"


def _row(name: str, known: dict[str, Figures], default: Figures) -> tuple[int, str] | None:
    found = [known.get(f"{name} x{factor}") for factor in FACTORS]
    if any(one is None for one in found):
        return None
    right = [one.right - default.right for one in found if one is not None]
    wrong = [one.wrong - default.wrong for one in found if one is not None]
    value: Any = AlignmentConfig()
    for part in name.split("."):
        value = getattr(value, part)
    cells = " | ".join(f"{change:+d}" if change else "0" for change in (*right, *wrong))
    weight = max(map(abs, right)) + 10 * max(0, *wrong)
    return weight, f"| `{name}` | {value} | {cells} |"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
