"""The published weights on the Hugging Face hub: found in its cache, or downloaded into it."""

from pathlib import Path

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)

# HTTPError is of another HTTP library from version to version, and found in no other place.
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HTTPError,
    XetDownloadError,
)

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.checkpoints.catalogue import KnownModel, find_model, known_model
from dust3r_sfm.networks.checkpoints.download_progress import report_download
from dust3r_sfm.progress import Progress, Silent

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"


def cached_path(name: str) -> Path | None:
    """The folder in the hub's cache with the weights of a known network; None if they are not there
    whole. Asks no server. Raises InputError if no network is called so."""
    repo = known_model(name).repo
    files = [try_to_load_from_cache(repo, file) for file in (CONFIG_FILE, WEIGHTS_FILE)]
    folders = {Path(file).parent if isinstance(file, str) else None for file in files}
    return folders.pop() if len(folders) == 1 else None


def fetch_folder(model: KnownModel, patience_s: float = 10, progress: Progress | None = None) -> Path:
    """Where the weights of a known network are, after a download if need be: a stage "Downloading NAME" in MB
    on `progress`. A server that says nothing for `patience_s` seconds is given up.

    What is in the cache is used as it is: nobody asks the hub whether it has something newer. Honours the
    hub's variables (HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE, HF_ENDPOINT, HF_TOKEN). Raises InputError that
    says what to download, and where to put it, if they are neither here nor to be had.
    """
    if (folder := cached_path(model.name)) is not None:
        return folder
    try:
        # Ask once whether somebody answers: the download would try for half a minute, and log each attempt.
        about = get_hf_file_metadata(hf_hub_url(model.repo, WEIGHTS_FILE), timeout=patience_s)
        label, cache = f"Downloading {model.name}", Path(constants.HF_HUB_CACHE) / _cached_name(model)
        with report_download(label, about.size or model.num_bytes, cache, progress or Silent()):
            hf_hub_download(model.repo, CONFIG_FILE)
            return Path(hf_hub_download(model.repo, WEIGHTS_FILE)).parent
    except (OSError, HTTPError, XetDownloadError) as error:
        raise InputError(_what_to_do(model, error)) from error


def fetch_weights(source: str | Path, progress: Progress) -> None:
    """Downloads what `load_network` would of this source, if anything: then that finds it here. Raises as
    `fetch_folder` does."""
    model = find_model(source) if isinstance(source, str) else None
    if model is not None:
        fetch_folder(model, progress=progress)


def _what_to_do(model: KnownModel, error: Exception) -> str:
    return (
        f"{model.name}: its weights are not on this machine, and {_reason(error)}. Where there is internet, "
        f"run `hf download {model.repo} {CONFIG_FILE} {WEIGHTS_FILE} --local-dir {model.name}` "
        f"({model.num_bytes / 1e9:.1f} GB), bring that folder here, and give its path instead of the name "
        f"(or bring {_cached_name(model)} from the cache there to {constants.HF_HUB_CACHE})"
    )


def _cached_name(model: KnownModel) -> str:
    """Of the folder in the hub's cache."""
    return f"models--{model.repo.replace('/', '--')}"


def _reason(error: Exception) -> str:
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE forbids to fetch them"
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return f"they could not be fetched from {constants.ENDPOINT} ({first_line[:120]})"
