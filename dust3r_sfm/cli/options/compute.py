"""What to compute with: options of every command that looks at photos."""

from dataclasses import dataclass
from typing import Annotated

from dust3r_sfm.cli.options.choices import REGRESSORS, DeviceChoice, NamedChoices
from dust3r_sfm.cli.options.library import option
from dust3r_sfm.pipeline.choices import RunChoices
from dust3r_sfm.regressors.choices import Dtype, KeypointChoice, Keypoints, NetworkChoices


@dataclass(frozen=True)
class ComputeOptions:
    """What to compute with."""

    regressor: Annotated[str, option(NamedChoices, "regressor", REGRESSORS)] = NamedChoices.regressor
    features: Annotated[Keypoints, option(KeypointChoice, "keypoints")] = KeypointChoice.keypoints
    device: Annotated[DeviceChoice, option(NamedChoices, "device")] = NamedChoices.device
    dtype: Annotated[Dtype, option(NetworkChoices, "dtype")] = NetworkChoices.dtype
    batch_size: Annotated[int | None, option(NetworkChoices, "batch_size", "N")] = NetworkChoices.batch_size
    compile: Annotated[bool, option(NetworkChoices, "compile")] = NetworkChoices.compile
    seed: Annotated[int, option(RunChoices, "seed", "INT")] = RunChoices.seed
