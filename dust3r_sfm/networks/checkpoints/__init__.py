"""Networks from files and names, and into files. The only part of `networks` that sees a path.

Nothing in a checkpoint is ever run: tensors and settings are all that is read from it.
"""

from dust3r_sfm.networks.checkpoints.catalogue import KnownModel, find_model, known_models
from dust3r_sfm.networks.checkpoints.hub import cached_path, fetch_weights
from dust3r_sfm.networks.checkpoints.loading import LoadedNetwork, load_network
from dust3r_sfm.networks.checkpoints.own_format import Config, Description
from dust3r_sfm.networks.checkpoints.saving import save_network

__all__ = [
    "Config",
    "Description",
    "KnownModel",
    "LoadedNetwork",
    "cached_path",
    "fetch_weights",
    "find_model",
    "known_models",
    "load_network",
    "save_network",
]
