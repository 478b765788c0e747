"""The seeded models beside the repository, and what the published code computed from them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dust3r_sfm.networks import NetworkConfig, network_from_config
from dust3r_sfm.networks.config import DPTHeadConfig, LinearHeadConfig, LocalFeatureConfig

PARITY = Path(__file__).parents[1].parent / "shared" / "parity"

PARITY_MARKS = [
    pytest.mark.realdata,
    pytest.mark.skipif(not PARITY.is_dir(), reason="the parity data is not beside the repository"),
]


def needs_parity(test):
    for mark in PARITY_MARKS:
        test = mark(test)
    return test


MODELS = ("a_dust3r_dpt", "b_dust3r_linear", "c_mast3r_catmlpdpt")
CASES = ("LL", "PP", "LP", "diffsize", "square_batch2", "sym")
TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}
FIELDS = {
    "pts3d": "points",
    "pts3d_in_other_view": "points",
    "conf": "confidence",
    "desc": "descriptors",
    "desc_conf": "descriptor_confidence",
}


def read_config(name):
    described = json.loads((PARITY / f"{name}.json").read_text())
    kwargs, dpt = described["kwargs"], described["extra"].get("dpt")
    sizes = {key: value for key, value in kwargs.items() if key.startswith(("enc_", "dec_"))}
    head = LinearHeadConfig()
    if dpt is not None:
        head = DPTHeadConfig(tuple(dpt["layer_dims"]), dpt["feature_dim"], dpt["last_dim"])
    features = LocalFeatureConfig(dim=4) if "desc" in kwargs["output_mode"] else None
    return NetworkConfig(long_edge=kwargs["img_size"][0], head=head, local_features=features, **sizes)


def load_network(name):
    network = network_from_config(read_config(name)).eval()
    stored = load_file(PARITY / f"{name}.safetensors")
    network.load_state_dict({key: tensor.float() for key, tensor in stored.items()})
    return network


def read_case(name, case):
    """The arrays of one case without its prefix."""
    stored = np.load(PARITY / f"{name}.npz")
    return {key.removeprefix(f"{case}/"): stored[key] for key in stored.files if key.startswith(f"{case}/")}


def read_images(stored):
    """Both views as the networks take them."""
    return tuple((torch.from_numpy(stored[key]).float() / 255 - 0.5) / 0.5 for key in ("img1_u8", "img2_u8"))


def published_outputs(stored):
    """(view 0 or 1, field of ViewOutput, array) of every output there is."""
    for key, array in stored.items():
        view, _, name = key.partition(".")
        if view in ("res1", "res2"):
            yield int(view == "res2"), FIELDS[name], array


def assert_outputs_equal(views, stored):
    """Of as many samples as were published."""
    compared = 0
    for view, field, array in published_outputs(stored):
        found = getattr(views[view], field)[: len(array)]
        np.testing.assert_allclose(found.numpy(), array, **TOLERANCE, err_msg=f"{field} of view {view}")
        compared += 1
    assert compared == sum(
        getattr(view, field) is not None for view in views for field in set(FIELDS.values())
    )
