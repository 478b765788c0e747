"""What may be chosen about a network as a regressor."""

from dataclasses import dataclass, field

from dust3r_sfm.matching import MatchingConfig
from dust3r_sfm.regressors.choices import Device, Dtype, NetworkChoices


@dataclass(frozen=True)
class NetworkRegressorConfig(NetworkChoices):
    """`source`: what `load_network` takes, a name or a path. `head_dtype`: of the heads, which set the digits
    of the points. `long_edge`: of the images, None for what the network was trained on. `cut_squares`: as in
    `ImageSpec`. `related_share`: a pair shows nothing in common if fewer of view j's pixels are more
    confident than `related_confidence`. `token_cache`: bytes on the device for images ready to be decoded, by
    default 10 or more of any published network at 512 x 384."""

    source: str
    device: Device = "cpu"
    head_dtype: Dtype = "fp32"
    long_edge: int | None = None
    cut_squares: bool = False
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    related_confidence: float = 1.5
    related_share: float = 0.02
    token_cache: int = 2**30
