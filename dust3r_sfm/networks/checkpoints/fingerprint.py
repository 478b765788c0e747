"""A name for what a network computes, whatever file it came from."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

from torch import Tensor, nn

from dust3r_sfm.networks.checkpoints.own_format import Config


def network_fingerprint(network: nn.Module, config: Config) -> str:
    """Hex digits that differ as soon as one weight or setting does, and are the same for all layouts of
    the same network on disk.

    Every byte is hashed: fine-tuning may touch a few layers only, and results of two networks must never
    be mixed. This reads no more than the first forward pass does, at some GB/s on a few threads, so there
    is no need for a sample of the bytes, or for a cache of digests that could be out of date.
    """
    state = network.state_dict()
    with ThreadPoolExecutor() as pool:
        digests = pool.map(_digest, state.values())
        whole = hashlib.sha256(repr(config).encode())
        for name, digest in zip(state, digests, strict=True):
            whole.update(f"{name} {tuple(state[name].shape)} {digest}".encode())
    return whole.hexdigest()[:32]


def _digest(tensor: Tensor) -> str:
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().data).hexdigest()
