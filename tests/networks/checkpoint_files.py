"""Small checkpoints in the layouts that are published, with seeded weights."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from dust3r_sfm.networks import network_from_config
from dust3r_sfm.networks.config import DPTHeadConfig, LinearHeadConfig, LocalFeatureConfig, NetworkConfig

TINY = NetworkConfig(
    long_edge=64,
    enc_embed_dim=32,
    enc_depth=2,
    enc_num_heads=2,
    dec_embed_dim=24,
    dec_depth=3,
    dec_num_heads=2,
    head=LinearHeadConfig(),
)
TINY_MAST3R = replace(
    TINY,
    head=DPTHeadConfig(layer_dims=(8, 12, 16, 24), feature_dim=16, last_dim=8),
    local_features=LocalFeatureConfig(dim=4),
    metric=True,
)
SETTINGS: dict[str, object] = {
    "enc_depth": 2,
    "dec_depth": 3,
    "enc_embed_dim": 32,
    "dec_embed_dim": 24,
    "enc_num_heads": 2,
    "dec_num_heads": 2,
    "pos_embed": "RoPE100",
    "patch_embed_cls": "ManyAR_PatchEmbed",
    "img_size": (64, 64),
    "head_type": "linear",
    "output_mode": "pts3d",
    "depth_mode": ("exp", -inf, inf),
    "conf_mode": ("exp", 1, inf),
}
"""Those of TINY, as published checkpoints spell them."""

State = dict[str, Tensor]


def call(settings: Mapping[str, object] = SETTINGS, name: str = "AsymmetricCroCo3DStereo") -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in settings.items())})"


def seeded_state(config: NetworkConfig = TINY, seed: int = 0) -> State:
    """Weights that differ everywhere, also where a network starts with zeros or ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        expected = network_from_config(config).state_dict(keep_vars=True)
    values: dict[int, Tensor] = {}
    for tensor in expected.values():
        if id(tensor) not in values:
            values[id(tensor)] = torch.randn(tensor.shape, generator=generator) * 0.05
    return {name: values[id(tensor)] for name, tensor in expected.items()}


def write_pth(path: Path, state: State, text: str | None = None, zipped: bool = True) -> Path:
    """With what training leaves in there too."""
    arguments = argparse.Namespace(model=call() if text is None else text, lr=1e-4, pretrained=None)
    training = {
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-4}]},
        "scaler": {"scale": 65536.0},
        "epoch": 7,
        "best_so_far": inf,
    }
    content = {"args": arguments, "model": state} | training
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def write_hub_folder(folder: Path, state: State, settings: Mapping[str, object] = SETTINGS) -> Path:
    """As huggingface_hub's mixin writes it: lists for tuples, bare Infinity, defaults spelled out."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(dict(settings) | {"freeze": "none"}, indent=2))
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "model.safetensors")
    return folder


def write_cache(cache: Path, repo: str, state: State, settings: Mapping[str, object] = SETTINGS) -> Path:
    """A repository as the hub's cache holds it; the folder of its snapshot."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    folder = cache / f"models--{repo.replace('/', '--')}"
    snapshot = write_hub_folder(folder / "snapshots" / revision, state, settings)
    (folder / "blobs").mkdir()
    for file in list(snapshot.iterdir()):
        blob = file.rename(folder / "blobs" / f"blob-of-{file.name}")
        file.symlink_to(Path("../../blobs") / blob.name)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(revision)
    return snapshot
