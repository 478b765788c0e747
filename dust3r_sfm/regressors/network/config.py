"""What may be chosen about a network as a regressor."""

from dataclasses import dataclass, field

from dust3r_sfm.matching import MatchingConfig
from dust3r_sfm.regressors.choices import Device, Dtype, NetworkChoices
from dust3r_sfm.regressors.network.pixel_grid import AxisConfig


@dataclass(frozen=True)
class NetworkRegressorConfig(NetworkChoices):
    """Which network, where and how precisely it runs, and what is made of what it says."""

    source: str
    """What `load_network` takes, a name or a path."""
    device: Device = "cpu"
    """Where it runs."""
    head_dtype: Dtype = "fp32"
    """Of the heads, which set the digits of the points."""
    long_edge: int | None = None
    """Pixels of the images, at most; None for what the network was trained on."""
    cut_squares: bool = False
    """As in `ImageSpec`."""
    matching: MatchingConfig = field(default_factory=MatchingConfig)
    """Correspondences of a pair, out of its maps."""
    axis: AxisConfig = field(default_factory=AxisConfig)
    """The turn between the network's optical axis and ours."""
    related_confidence: float = 1.5
    """Confidence of a pixel of view j from which on it was placed in view i's frame, and not just
    anywhere."""
    related_share: float = 0.02
    """Share of such pixels below which a pair shows nothing in common."""
    token_cache: int = 2**30
    """Bytes on the device for images ready to be decoded: by default 10 or more of any published network at
    512 x 384."""


SAME_PREDICTIONS = frozenset(
    {"source", "device", "batch_size", "compile", "long_edge", "cut_squares", "token_cache"}
)
"""Fields that a fingerprint leaves out. Where a network runs and in what batches changes predictions by
rounding only; its weights and its `ImageSpec` stand for how it was named and for the size of images."""
