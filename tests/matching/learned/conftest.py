"""The networks, loaded once a worker; their tests are skipped where kornia or the weights are missing."""

import pytest
import torch

from dust3r_sfm.matching.learned import LearnedConfig, LearnedNetworks, load_networks, why_unavailable


@pytest.fixture(scope="session")
def networks() -> LearnedNetworks:
    if (missing := why_unavailable()) is not None:
        pytest.skip(f"learned matches: {missing}")
    return load_networks(LearnedConfig(), torch.device("cpu"))
