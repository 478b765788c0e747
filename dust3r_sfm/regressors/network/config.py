"""What may be chosen about a network as a regressor."""

from dataclasses import dataclass, field
from typing import Literal

from dust3r_sfm.matching import MatchingConfig

Device = Literal["cpu", "cuda", "mps"]
Dtype = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class NetworkRegressorConfig:
    """`source`: what `load_network` takes, a name or a path. `dtype`: of encoder and decoders;
    `head_dtype`: of the heads, which set the digits of the points. `batch_size`: pairs at once; None
    finds out what the device takes. Either shrinks where memory runs out. `compile`: torch.compile, which
    takes a minute to start and on a CPU is hardly worth it. `long_edge`: of the images, None for what the
    network was trained on. `cut_squares`: as in `ImageSpec`. `related_share`: a pair shows nothing in common
    if fewer of view j's pixels are more confident than `related_confidence`. `token_cache`: bytes on the
    device for images ready to be decoded, by default 10 or more of any published network at 512 x 384."""

    source: str
    device: Device = "cpu"
    dtype: Dtype = "fp32"
    head_dtype: Dtype = "fp32"
    batch_size: int | None = None
    compile: bool = False
    long_edge: int | None = None
    cut_squares: bool = False
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    related_confidence: float = 1.5
    related_share: float = 0.02
    token_cache: int = 2**30
