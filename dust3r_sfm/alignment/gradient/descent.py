"""Adam on the published objective, with the published learning rates."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from dust3r_sfm.alignment.gradient.config import GradientConfig
from dust3r_sfm.alignment.gradient.objective import Maps, median_miss, objective
from dust3r_sfm.alignment.gradient.parameters import Parameters


@dataclass(frozen=True)
class Fixed:
    """What is known and stays as it is, view by view, and whether that gives the world its size."""

    poses: Bool[Tensor, " n"]
    focals: Bool[Tensor, " n"]

    @property
    def size_known(self) -> bool:
        return bool(self.poses.sum() >= 2)


@dataclass(frozen=True)
class Descended:
    """`losses`: the objective before each step, and after the last. `median_misses`: in world units, of what
    pairs say to what was found, at the start and in the end."""

    values: Parameters
    losses: tuple[float, ...]
    median_misses: tuple[float, float]


def learning_rate(config: GradientConfig, step: int) -> float:
    share = step / config.iterations
    left = 0.5 * (1.0 + np.cos(np.pi * share)) if config.schedule == "cosine" else 1.0 - share
    return config.last_learning_rate + (config.learning_rate - config.last_learning_rate) * float(left)


def descend(
    start: Parameters, maps: Maps, fixed: Fixed, config: GradientConfig, advance: Callable[[], None]
) -> Descended:
    """From `start`, which stays untouched."""
    values = Parameters(*(tensor.detach().clone().requires_grad_() for tensor in start.tensors()))
    base_scale = None if fixed.size_known else config.base_scale
    optimiser = torch.optim.Adam(_free(values, config), lr=config.learning_rate, betas=(0.9, 0.9))
    losses = []
    for step in range(config.iterations):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config, step)
        optimiser.zero_grad()
        loss = objective(values, maps, config.distance, base_scale)
        loss.backward()
        _hold(values, fixed)
        optimiser.step()
        losses.append(loss.item())
        advance()
    with torch.no_grad():
        losses.append(objective(values, maps, config.distance, base_scale).item())
        misses = median_miss(start, maps, base_scale), median_miss(values, maps, base_scale)
    return Descended(Parameters(*(tensor.detach() for tensor in values.tensors())), tuple(losses), misses)


def _free(values: Parameters, config: GradientConfig) -> list[Tensor]:
    held = [] if config.pair_adaptors else [values.adaptor]
    held += [] if config.principal_points else [values.centre]
    return [tensor for tensor in values.tensors() if not any(tensor is other for other in held)]


def _hold(values: Parameters, fixed: Fixed) -> None:
    """No gradient for what is known: Adam then leaves it exactly where it is."""
    for tensor, known in (
        (values.view_quaternion, fixed.poses),
        (values.view_translation, fixed.poses),
        (values.focal, fixed.focals),
    ):
        assert tensor.grad is not None
        tensor.grad[known] = 0.0
