"""Stored tensors into a network: every one has its place and its shape, or is named."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from dust3r_sfm.errors import InputError
from dust3r_sfm.networks.checkpoints.weight_files import Tensors

_FIRST_DECODER, _SECOND_DECODER = "dec_blocks.", "dec_blocks2."
_NAMED = 3
"""Tensors that a message names."""


def assemble(network: nn.Module, tensors: Tensors, path: Path) -> None:
    """Makes the tensors, as float32, the parameters of `network`, which may be on the meta device. Nothing
    is copied that is float32 already: a file's tensors stay mapped from it, page by page, and are written
    to in memory only. `path` is for messages.

    A decoder for the second view starts as a copy of the first's where the file has only one. Raises
    InputError for tensors that are missing, unknown, or of another shape (both are shown), and where one
    tensor has two names and two values.
    """
    expected = network.state_dict(keep_vars=True)
    given = _with_both_names(_with_second_decoder(tensors), aliases_of(network), path)
    _check_complete(expected, given, path)
    for name, tensor in given.items():
        plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
        if not (plain and tensor.is_floating_point()):
            raise InputError(f"{path}: {name} holds {tensor.dtype}, not an array of floating-point numbers")
    network.load_state_dict({name: tensor.to(torch.float32) for name, tensor in given.items()}, assign=True)


def aliases_of(network: nn.Module) -> list[list[str]]:
    """Names that mean one and the same parameter, in groups of two or more."""
    groups: dict[int, list[str]] = defaultdict(list)
    for name, tensor in network.state_dict(keep_vars=True).items():
        groups[id(tensor)].append(name)
    return [names for names in groups.values() if len(names) > 1]


def _with_second_decoder(tensors: Tensors) -> Tensors:
    if any(name.startswith(_SECOND_DECODER) for name in tensors):
        return tensors
    first = {name: tensor for name, tensor in tensors.items() if name.startswith(_FIRST_DECODER)}
    # Copied, as training moves the two apart.
    second = {name.replace(_FIRST_DECODER, _SECOND_DECODER): first[name].clone() for name in first}
    return {**tensors, **second}


def _with_both_names(tensors: Tensors, aliases: Sequence[Sequence[str]], path: Path) -> Tensors:
    given = dict(tensors)
    for names in aliases:
        there = [name for name in names if name in given]
        for other in there[1:]:
            if not torch.equal(given[there[0]], given[other]):
                raise InputError(f"{path}: {there[0]} and {other} are one tensor, but differ in the file")
        given |= {name: given[there[0]] for name in names if there}
    return given


def _check_complete(expected: Tensors, given: Tensors, path: Path) -> None:
    problems = [
        f"{name} is {_shape(given[name])} in the file, but {_shape(tensor)} in the network it describes"
        for name, tensor in expected.items()
        if name in given and given[name].shape != tensor.shape
    ]
    problems += [
        f"{name} {_shape(tensor)} is missing" for name, tensor in expected.items() if name not in given
    ]
    problems += [
        f"{name} {_shape(tensor)} has no place in the network it describes"
        for name, tensor in given.items()
        if name not in expected
    ]
    if problems:
        more = f" (and {len(problems) - _NAMED} more)" if len(problems) > _NAMED else ""
        raise InputError(f"{path}: {'; '.join(problems[:_NAMED])}{more}")


def _shape(tensor: Tensor) -> str:
    return "x".join(str(size) for size in tensor.shape) if tensor.dim() else "one number"
