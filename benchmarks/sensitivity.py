"""What halving and doubling each threshold of alignment (or other `factors`) does to few photos of many sets.

    python -m benchmarks.sensitivity SET... --keep DIR --json OUT --page docs/thresholds.md

The subsets are those of `benchmarks.few_photos`; what is measured of photos and pairs lies in DIR and is used
again, so that a field costs two alignments of each subset. A field that only bounds work, or that these
photos never come near, moves nothing; one that moves right photos by more than a few, or lets wrong ones in,
sits on a cliff. A share goes to 1 at most; the page marks those that stopped there."""

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

NO_THRESHOLDS = ("presets", "seed", "cameras", "incremental.focal_factors")
"""Fields of AlignmentConfig that are given, not tuned."""
SHARE_WORDS = frozenset({"share", "covered"})
"""Fields with one of these words in their name mean nothing above 1."""


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
    factors: tuple[float, ...] = (0.5, 2.0)
    """What each field is multiplied by."""
    only: tuple[str, ...] = ()
    """Dotted names of fields, or beginnings of names; all if none is given."""
    json: Path | None = None
    """Where to write figures, and where they are continued from: fields that are there are not run again.
    Those of other sets, sizes, draws or seeds are refused."""
    page: Path | None = None
    """Where to write a table of all figures, in Markdown."""


@dataclass(frozen=True)
class Figures:
    """Over all subsets: right photos and wrong ones."""

    right: int
    wrong: int


def main(options: Options) -> None:
    known = read_figures(options)
    regressor = StereoRegressor(StereoConfig())
    photos = Photos(options.sets, options.keep, options.sizes, options.draws, options.seed)
    subsets = list(load_subsets(photos, regressor))
    for name, factor in _jobs(options.only, options.factors):
        key = _key(name, factor)
        if key not in known:
            known[key] = figures(subsets, regressor, name, factor)
            print(f"{key}: right {known[key].right}, wrong {known[key].wrong}", flush=True)
            write_figures(options, known)
    if options.page is not None:
        text = page(known, len(subsets), regressor, options.factors)
        options.page.write_text(text, encoding="utf-8")


def _jobs(only: Sequence[str], factors: Sequence[float]) -> Iterator[tuple[str, float]]:
    yield "", 1.0
    for name in thresholds(AlignmentConfig()):
        if not only or name.startswith(tuple(only)):
            yield from ((name, factor) for factor in factors)


def _key(name: str, factor: float) -> str:
    return f"{name} x{factor}" if name else ""


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
    config = vary_bounded(AlignmentConfig(), name, factor) if name else AlignmentConfig()
    rows: list[Row] = [align_subset(subset, regressor, config, factor) for subset in subsets]
    return Figures(sum(row.right for row in rows), sum(len(row.wrong) for row in rows))


def vary_bounded(config: AlignmentConfig, name: str, factor: float) -> AlignmentConfig:
    """The config with this field multiplied; a share stops at 1."""
    return vary(config, name.split("."), _bounded(name, _value(name), factor))


def _bounded(name: str, value: Any, factor: float) -> float:
    return min(factor, 1.0 / value) if is_share(name) else factor


def is_share(name: str) -> bool:
    return bool(SHARE_WORDS & set(name.split(".")[-1].split("_")))


def _value(name: str) -> Any:
    value: Any = AlignmentConfig()
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _run(options: Options) -> dict[str, Any]:
    """What figures can only be compared with their like in."""
    return {
        "sets": sorted(path.name for path in options.sets),
        "sizes": list(options.sizes),
        "draws": options.draws,
        "seed": options.seed,
    }


def read_figures(options: Options) -> dict[str, Figures]:
    """What a former run left. Raises SystemExit if that was a run of other options."""
    path = options.json
    if path is None or not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    if stored.get("run") != _run(options):
        raise SystemExit(f"{path}: is of {stored.get('run')}, not of {_run(options)}; give another --json")
    return {name: Figures(**values) for name, values in stored["figures"].items()}


def write_figures(options: Options, known: dict[str, Figures]) -> None:
    if options.json is not None:
        rows = {name: asdict(values) for name, values in known.items()}
        text = json.dumps({"run": _run(options), "figures": rows}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")


def page(known: dict[str, Figures], count: int, regressor: StereoRegressor, factors: Sequence[float]) -> str:
    """A Markdown table, the most influential fields first."""
    default = known[""]
    names = list(thresholds(AlignmentConfig()))
    found = (_row(name, known, default, factors) for name in names)
    rows = [row for row in found if row is not None]
    columns = [f"{kind}, x{factor:g}" for kind in ("right", "wrong") for factor in factors]
    lines = [
        "# Thresholds: what multiplying them does",
        "",
        f"Made by `python -m benchmarks.sensitivity` on {count} subsets (regressor {regressor.name}): with",
        f"the defaults {default.right} photos are right and {default.wrong} wrong. Differences to that; of a",
        "share marked (to 1) the largest value is 1.",
        "",
        f"{len(rows)} of {len(names)} fields were run; an empty cell was not.",
        "",
        f"| of `AlignmentConfig` | default | {' | '.join(columns)} |",
        f"| --- | --- |{' --- |' * len(columns)}",
    ]
    lines += [text for _, text in sorted(rows, key=lambda row: -row[0])]
    return "\n".join(lines) + "\n"


def _row(
    name: str, known: dict[str, Figures], default: Figures, factors: Sequence[float]
) -> tuple[int, str] | None:
    found = [known.get(_key(name, factor)) for factor in factors]
    right = [None if one is None else one.right - default.right for one in found]
    wrong = [None if one is None else one.wrong - default.wrong for one in found]
    if not any(found):
        return None
    value = _value(name)
    stopped = any(_bounded(name, value, factor) != factor for factor in factors)
    cells = " | ".join(_cell(change) for change in (*right, *wrong))
    weight = max(abs(change or 0) for change in right) + 10 * max(change or 0 for change in wrong)
    return weight, f"| `{name}` | {value}{' (to 1)' if stopped else ''} | {cells} |"


def _cell(change: int | None) -> str:
    """Nothing where it was not run."""
    return "" if change is None else f"{change:+d}" if change else "0"


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
