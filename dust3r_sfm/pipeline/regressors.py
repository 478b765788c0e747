"""Which regressors there are, and which one is meant when none is named."""

from dataclasses import dataclass

import torch

from dust3r_sfm.networks.checkpoints import cached_path, fetch_weights
from dust3r_sfm.progress import Progress
from dust3r_sfm.regressors.network import Device, NetworkRegressor, NetworkRegressorConfig
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.regressors.stereo import StereoConfig, StereoRegressor, fast_config

RegressorConfig = StereoConfig | NetworkRegressorConfig
"""The union of all regressors' configs."""

STEREO = "stereo"
_BEST_FIRST = ("mast3r", "dust3r", "dust3r-512-linear", "dust3r-224")


@dataclass(frozen=True)
class Choice:
    """The name of a regressor, and in one line why it and how to get a better one."""

    name: str
    reason: str


def build_regressor(config: RegressorConfig) -> PointmapRegressor:
    """Raises InputError for a network that cannot be loaded, or a device that is not there."""
    return StereoRegressor(config) if isinstance(config, StereoConfig) else NetworkRegressor(config)


def fetch_regressor(config: RegressorConfig, progress: Progress) -> None:
    """Downloads the weights of a network that are not on this machine, and says that it is going to be
    loaded: stages "Downloading NAME" in MB and "Loading the network" on `progress`. Raises InputError for
    what is not to be had."""
    if isinstance(config, NetworkRegressorConfig):
        fetch_weights(config.source, progress)
        progress.start("Loading the network", 1, "steps")


def choose_effort(config: RegressorConfig, num_photos: int, fast_above: int) -> RegressorConfig:
    return fast_config(config) if isinstance(config, StereoConfig) and num_photos > fast_above else config


def best_regressor() -> Choice:
    """The best whose weights are on this machine, without asking any server; the embedded one if none is."""
    name = next((name for name in _BEST_FIRST if cached_path(name) is not None), None)
    if name is None:
        return Choice(
            STEREO,
            "regressor stereo: the embedded one, as no network's weights are on this machine. For harder "
            f"photos: --regressor {_BEST_FIRST[0]} (downloads them, non-commercial; see dust3r-sfm models)",
        )
    better = "" if name == _BEST_FIRST[0] else f". A better one: --regressor {_BEST_FIRST[0]} downloads it"
    return Choice(name, f"regressor {name}: the best whose weights are on this machine{better}")


def best_device(regressor: str) -> Device:
    """A GPU for networks if there is one. Stereo is measured on CPUs only, and stays there unasked."""
    if regressor == STEREO:
        return "cpu"
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
