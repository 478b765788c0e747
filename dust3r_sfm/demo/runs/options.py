"""What the page lets people choose, and the command line that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from dust3r_sfm.errors import InputError

PairsKind = Literal["auto", "complete", "swin", "logwin", "oneref", "retrieval"]
_CHOICES = {
    "pairs": get_args(PairsKind),
    "alignment": ("solved", "gradient"),
    "cameras": ("auto", "shared", "per-folder", "per-image"),
    "features": ("auto", "sift", "aliked"),
    "sky": ("keep", "remove", "mask"),
    "up": ("auto", "none", "+x", "-x", "+y", "-y", "+z", "-z"),
}
_RANGES: Mapping[str, tuple[float, float]] = {
    "window": (1, 1000),
    "reference": (0, 9999),
    "neighbours": (1, 1000),
    "frames": (2, 1000),
    "max_points": (0, 10_000_000),
}


@dataclass(frozen=True)
class RunOptions:
    """Of one run; field by field what the page's form has."""

    regressor: str = "auto"
    """What measures pairs."""
    pairs: PairsKind = "auto"
    """Which photos are compared."""
    window: int = 3
    """Of swin and logwin: how many neighbours."""
    cyclic: bool = True
    """Of swin and logwin: whether the last photo meets the first."""
    reference: int = 0
    """Of oneref: the photo that all are compared with, from 0."""
    neighbours: int = 8
    """Of retrieval: how many that look alike."""
    alignment: str = "solved"
    """How pairs become one scene."""
    cameras: str = "auto"
    """Which photos have one focal length."""
    features: str = "auto"
    """What stereo matches."""
    frames: int = 60
    """Of a video."""
    up: str = "auto"
    """Which way is up in the scene."""
    sky: str = "keep"
    """What becomes of the sky."""
    max_points: int = 100_000
    """Of the COLMAP model."""


def options_from_json(values: object, regressors: tuple[str, ...]) -> RunOptions:
    """Raises InputError for what is no option, of another type, or beyond what can be."""
    if not isinstance(values, dict):
        raise InputError("options: are no object")
    types = {field.name: type(field.default) for field in fields(RunOptions)}
    for name, value in values.items():
        if name not in types:
            raise InputError(f"{name}: is no option")
        if type(value) is not types[name]:
            raise InputError(f"{name}: is to be {types[name].__name__}")
        _check(str(name), value, regressors)
    return RunOptions(**values)


def _check(name: str, value: Any, regressors: tuple[str, ...]) -> None:
    choices = regressors if name == "regressor" else _CHOICES.get(name)
    if choices is not None and value not in choices:
        raise InputError(f"{name}: give one of {', '.join(choices)}")
    if name in _RANGES:
        least, most = _RANGES[name]
        if not least <= value <= most:
            raise InputError(f"{name}: give {least:g} to {most:g}")


def pairs_text(options: RunOptions) -> str:
    """As --pairs takes it."""
    end = "" if options.cyclic else "-noncyclic"
    return {
        "swin": f"swin-{options.window}{end}",
        "logwin": f"logwin-{options.window}{end}",
        "oneref": f"oneref-{options.reference}",
        "retrieval": f"retrieval-{options.neighbours}",
    }.get(options.pairs, options.pairs)


def reconstruct_arguments(
    options: RunOptions, photos: Path, masks: Path | None, out: Path, device: str, max_memory: float | None
) -> list[str]:
    """Of `dust3r-sfm`."""
    words = ["reconstruct", str(photos), str(out), "--regressor", options.regressor]
    words += ["--pairs", pairs_text(options), "--alignment", options.alignment, "--cameras", options.cameras]
    words += ["--max-points", str(options.max_points), f"--up={options.up}"]
    words += ["--sky", options.sky, "--device", device]
    if options.regressor in ("auto", "stereo") and options.features != "auto":
        words += ["--regressor", "stereo", "--features", options.features]
    if masks is not None:
        words += ["--masks", str(masks)]
    if max_memory is not None:
        words += ["--max-memory", str(max_memory)]
    return [*words, "--progress", "json"]
