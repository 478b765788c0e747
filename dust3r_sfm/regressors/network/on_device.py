"""A loaded network on a device, in the precision asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks import Dust3r
from dust3r_sfm.networks.precision import set_precision
from dust3r_sfm.regressors.choices import Device, Dtype
from dust3r_sfm.regressors.network.config import NetworkRegressorConfig

_TORCH_DTYPE: dict[Dtype, torch.dtype] = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}


def check_device(device: Device) -> None:
    """Raises InputError if it is not on this machine."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[device]:
        raise InputError(f"--device {device}: torch finds none here; use --device cpu")


def torch_dtype(dtype: Dtype) -> torch.dtype:
    return _TORCH_DTYPE[dtype]


def place_on_device(module: Dust3r, config: NetworkRegressorConfig) -> Dust3r:
    """The network ready to run, converted in place. Only blocks and heads are compiled, as one block
    compiled serves all that are like it."""
    set_precision(module, torch_dtype(config.dtype), torch_dtype(config.head_dtype))
    module.to(config.device)
    if config.compile:
        for part in _parts(module):
            part.compile()
    return module


def _parts(module: Dust3r) -> Iterator[nn.Module]:
    for blocks in (module.enc_blocks, module.dec_blocks, module.dec_blocks2):
        yield from blocks
    yield module.downstream_head1
    yield module.downstream_head2


@contextmanager
def full_float32(config: NetworkRegressorConfig) -> Iterator[None]:
    """float32 convolutions that are float32 on CUDA too, where torch rounds to TF32 unless told not to.
    Beside 16-bit decoders that would be lost on the heads."""
    exact = config.device == "cuda" and config.dtype == "fp32"
    before = torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = before and not exact
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
