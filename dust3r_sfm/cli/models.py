"""The table that `dust3r-sfm models` prints."""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import constants
from rich.table import Table

from dust3r_sfm.networks.checkpoints import KnownModel, cached_path, known_models


def run_models() -> Iterator[Table | str]:
    """The networks that have a name, what they are, and which are on this machine."""
    models = known_models()
    folders = {model.name: cached_path(model.name) for model in models}
    yield _table(models, folders)
    for name, folder in folders.items():
        if folder is not None:
            yield f"{name}: {folder}"
    yield f"Downloaded when first used, to {constants.HF_HUB_CACHE}; a path to a checkpoint works as well."


def _table(models: tuple[KnownModel, ...], folders: dict[str, Path | None]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("name", "network", "metric", "size", "cached"):
        table.add_column(title, no_wrap=True)
    table.add_column("licence", overflow="fold")
    for model in models:
        table.add_row(
            model.name,
            model.summary,
            "yes" if model.metric else "no",
            f"{model.num_bytes / 1e9:.1f} GB",
            "no" if folders[model.name] is None else "yes",
            model.licence,
        )
    return table
