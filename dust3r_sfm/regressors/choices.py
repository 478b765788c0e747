"""What users choose of regressors, apart from their configs, which take seconds to import: the help of the
commands is made of these."""

from dataclasses import dataclass
from typing import Literal

Keypoints = Literal["auto", "sift", "aliked"]
Device = Literal["cpu", "cuda", "mps"]
Dtype = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class KeypointChoice:
    """Part of `StereoConfig`."""

    keypoints: Keypoints = "auto"
    """What stereo matches. auto: learned features (aliked) where SIFT's fall short, if they are installed.
    aliked: those of every pair as well."""


@dataclass(frozen=True, kw_only=True)
class NetworkChoices:
    """Part of `NetworkRegressorConfig`."""

    dtype: Dtype = "fp32"
    """Numbers a network computes with. The 16-bit ones need less memory, and on a GPU far less time."""
    batch_size: int | None = None
    """Pairs that go through a network at once; fewer where memory runs out. None: what the device takes."""
    compile: bool = False
    """Compile the network first: takes a minute or more, and is meant for GPUs."""
