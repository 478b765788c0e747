"""The full-size networks have the tensors of the published checkpoints: names, order, shapes, sharing."""

import json

import pytest
import torch
from parity_models import PARITY, PARITY_MARKS

from dust3r_sfm.networks import Mast3r, network_from_config
from dust3r_sfm.networks.config import DUST3R_224_LINEAR, DUST3R_512_DPT, DUST3R_512_LINEAR, MAST3R_512

pytestmark = PARITY_MARKS

PUBLISHED = {
    "DUSt3R_ViTLarge_BaseDecoder_224_linear": DUST3R_224_LINEAR,
    "DUSt3R_ViTLarge_BaseDecoder_512_linear": DUST3R_512_LINEAR,
    "DUSt3R_ViTLarge_BaseDecoder_512_dpt": DUST3R_512_DPT,
    "MASt3R_ViTLarge_BaseDecoder_512_catmlpdpt_metric": MAST3R_512,
}


@pytest.mark.parametrize(("name", "config"), PUBLISHED.items(), ids=PUBLISHED)
def test_tensors(name, config):
    contract = json.loads((PARITY / f"contract_{name}.json").read_text())
    with torch.device("meta"):
        network = network_from_config(config)
    assert isinstance(network, Mast3r) == name.startswith("MASt3R")
    assert sum(parameter.numel() for parameter in network.parameters()) == contract["n_params"]
    found = [
        [key, list(tensor.shape), str(tensor.dtype).removeprefix("torch.")]
        for key, tensor in network.state_dict().items()
    ]
    assert found == contract["state_dict"]
    tensors = dict(network.named_parameters(remove_duplicate=False))
    for one, other in contract["shared_storage_groups"]:
        assert tensors[one] is tensors[other]
