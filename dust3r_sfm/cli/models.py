"""The table that `dust3r-sfm models` prints."""

from pathlib import Path

from huggingface_hub import constants

from dust3r_sfm.cli.reporting import Reporter, Summary
from dust3r_sfm.networks.checkpoints import KnownModel, cached_path, known_models

_TITLES = ("name", "network", "metric", "size", "cached")


def run_models(reporter: Reporter) -> None:
    """The networks that have a name, what they are, and which are on this machine."""
    models = known_models()
    folders = {model.name: cached_path(model.name) for model in models}
    here = tuple(f"{name}: {folder}" for name, folder in folders.items() if folder is not None)
    licences = {model.licence: [m.name for m in models if m.licence == model.licence] for model in models}
    terms = tuple(f"{licence}: the weights of {', '.join(names)}" for licence, names in licences.items())
    last = f"Downloaded when first used, to {constants.HF_HUB_CACHE}; a path to a checkpoint works as well."
    reporter.conclude(Summary((*_table(models, folders), *terms, *here, last)))


def _table(models: tuple[KnownModel, ...], folders: dict[str, Path | None]) -> list[str]:
    rows = [_TITLES, *(_row(model, folders[model.name] is not None) for model in models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(model: KnownModel, cached: bool) -> tuple[str, ...]:
    size = f"{model.num_bytes / 1e9:.1f} GB"
    metric, here = ("yes" if value else "no" for value in (model.metric, cached))
    return model.name, model.summary, metric, size, here
