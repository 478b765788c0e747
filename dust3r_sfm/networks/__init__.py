"""Our own DUSt3R and MASt3R: they compute what the published ones do, from the same weights."""

from dust3r_sfm.networks.config import NetworkConfig
from dust3r_sfm.networks.dust3r import Dust3r
from dust3r_sfm.networks.mast3r import Mast3r
from dust3r_sfm.networks.outputs import ViewOutput

__all__ = ["Dust3r", "Mast3r", "NetworkConfig", "ViewOutput", "network_from_config"]


def network_from_config(config: NetworkConfig) -> Dust3r:
    """A network with random weights: Mast3r where the config has local features, else Dust3r.

    Under `torch.device("meta")` it takes no memory, and `load_state_dict(..., assign=True)` fills it.
    """
    return Dust3r(config) if config.local_features is None else Mast3r(config)
