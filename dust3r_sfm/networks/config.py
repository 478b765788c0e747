"""What a network is made of, as plain data. A checkpoint stores it; `network_from_config` builds it.

Defaults are the published full-size models: DUSt3R (Wang et al., CVPR 2024, section 3), MASt3R
(Leroy et al., ECCV 2024, section 3), CroCo v2 (Weinzaepfel et al., ICCV 2023, section 3).
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

from dust3r_sfm.errors import InputError

LARGEST = 2**16
"""Of any size or number of a network: sixteen times the largest layer of the published ones. A damaged file
may say more, and room would be made for it."""


def _require_positive(name: str, value: object) -> None:
    if not (isinstance(value, int) and 0 < value <= LARGEST):
        raise InputError(f"{name} is {value}; it must be a whole number above 0, and up to {LARGEST}.")


def _require_multiple(name: str, value: object, divisor: int) -> None:
    if not (isinstance(value, int) and 0 < value <= LARGEST and value % divisor == 0):
        raise InputError(f"{name} is {value}; it must be a positive multiple of {divisor}, up to {LARGEST}.")


def _require_ordered(owner: str, low: float, high: float) -> None:
    if not (0 <= low < inf and low < high):
        raise InputError(f"{owner} has confidence from {low} to {high}; give 0 <= minimum < maximum.")


@dataclass(frozen=True)
class LinearHeadConfig:
    """One linear layer from the last decoder token to the pixels of its patch."""


@dataclass(frozen=True)
class DPTHeadConfig:
    """Convolutions over tokens of four depths (Ranftl et al., ICCV 2021). Numbers as in the published
    DUSt3R."""

    layer_dims: tuple[int, int, int, int] = (96, 192, 384, 768)
    """Channels of the four levels."""
    feature_dim: int = 256
    """Channels that they are fused in."""
    last_dim: int = 128
    """Channels before the output."""

    def __post_init__(self) -> None:
        if len(self.layer_dims) != 4:
            raise InputError(f"DPTHeadConfig.layer_dims is {self.layer_dims}; give four numbers of channels.")
        for dim in self.layer_dims:
            _require_positive("DPTHeadConfig.layer_dims", dim)
        _require_positive("DPTHeadConfig.feature_dim", self.feature_dim)
        # The layer before the last halves the channels.
        _require_multiple("DPTHeadConfig.feature_dim", self.feature_dim, 2)
        _require_positive("DPTHeadConfig.last_dim", self.last_dim)


@dataclass(frozen=True)
class LocalFeatureConfig:
    """MASt3R's descriptors: a two-layer perceptron on encoder and decoder tokens. Numbers as published."""

    dim: int = 24
    """Numbers of a descriptor."""
    two_confidences: bool = True
    """Whether descriptors have a confidence of their own, or share that of the points."""
    hidden_factor: int = 4
    """Channels of the hidden layer over those of the tokens."""
    confidence_min: float = 0.0
    """Of a descriptor's own confidence, confidence_min + exp(raw)."""
    confidence_max: float = inf
    """Where that is cut off."""

    def __post_init__(self) -> None:
        _require_positive("LocalFeatureConfig.dim", self.dim)
        _require_positive("LocalFeatureConfig.hidden_factor", self.hidden_factor)
        _require_ordered("LocalFeatureConfig", self.confidence_min, self.confidence_max)


@dataclass(frozen=True)
class TransformerConfig:
    """The two-view transformer that all networks share: a ViT-L encoder and ViT-B decoders, as published."""

    long_edge: int = 512
    """Pixels of the images it was trained on; it runs on any size whose sides are multiples of
    `patch_size`."""
    patch_size: int = 16
    """Pixels a side of what becomes a token."""
    enc_embed_dim: int = 1024
    """Channels of the encoder's tokens."""
    enc_depth: int = 24
    """Blocks of the encoder."""
    enc_num_heads: int = 16
    """Attention heads of each."""
    dec_embed_dim: int = 768
    """Channels of the decoders' tokens."""
    dec_depth: int = 12
    """Blocks of each decoder."""
    dec_num_heads: int = 12
    """Attention heads of each."""
    mlp_ratio: int = 4
    """Hidden channels of a block's perceptron over those of its tokens."""
    rope_base: float = 100.0
    """Of the wavelengths of the rotary position embedding: 100, not the usual 10000, as in CroCo."""
    norm_eps: float = 1e-6
    """Added to the variance in layer normalisation."""

    def __post_init__(self) -> None:
        for name in ("patch_size", "enc_depth", "dec_depth", "mlp_ratio"):
            _require_positive(name, getattr(self, name))
        _require_multiple("long_edge", self.long_edge, self.patch_size)
        for part in ("enc", "dec"):
            heads, dim = getattr(self, f"{part}_num_heads"), getattr(self, f"{part}_embed_dim")
            _require_positive(f"{part}_num_heads", heads)
            # Every attention head is rotated in pairs of numbers, half of them by y and half by x.
            _require_multiple(f"{part}_embed_dim", dim, 4 * heads)
        if not 1 < self.rope_base < inf:
            raise InputError(f"rope_base is {self.rope_base}; it must be above 1 (published: 100).")
        if not 0 < self.norm_eps < 1:
            raise InputError(f"norm_eps is {self.norm_eps}; it must be between 0 and 1 (published: 1e-6).")


@dataclass(frozen=True)
class NetworkConfig(TransformerConfig):
    """DUSt3R, or MASt3R if there are `local_features`."""

    head: LinearHeadConfig | DPTHeadConfig = DPTHeadConfig()
    """What makes points of tokens."""
    local_features: LocalFeatureConfig | None = None
    """What makes descriptors of them."""
    confidence_min: float = 1.0
    """Of confidence, confidence_min + exp(raw): 1 knows nothing (DUSt3R, section 3.3)."""
    confidence_max: float = inf
    """Where that is cut off."""
    metric: bool = False
    """Whether it was trained to give points in metres."""
    first_pixel_centre: float = 0.0
    """Where the cameras it was trained with had the centre of the first pixel, their principal point being at
    half the image's size: 0 for the published networks, 1/2 for cameras as they are here."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.first_pixel_centre <= 0.5:
            raise InputError(f"first_pixel_centre is {self.first_pixel_centre}; give 0 to 0.5.")
        _require_ordered("NetworkConfig", self.confidence_min, self.confidence_max)
        if isinstance(self.head, DPTHeadConfig):
            if self.patch_size != 16:
                raise InputError(f"patch_size is {self.patch_size}; a DPT head gives 16 pixels a token.")
            if self.dec_depth < 3:
                raise InputError(f"dec_depth is {self.dec_depth}; a DPT head taps 3 decoder blocks.")
        elif self.local_features is not None:
            raise InputError("local_features stand beside a DPT head; give head=DPTHeadConfig().")

    @property
    def hooks(self) -> tuple[int, int, int, int]:
        """Which tokens a DPT head reads: 0 is the encoder's, k those after decoder block k."""
        return 0, self.dec_depth // 2, self.dec_depth * 3 // 4, self.dec_depth


@dataclass(frozen=True)
class CrocoConfig(TransformerConfig):
    """Cross-view completion (CroCo, NeurIPS 2022)."""

    long_edge: int = 224
    """As in `TransformerConfig`."""
    decoder: Literal["cross", "cat"] = "cross"
    """Whether it attends to the second view's tokens ("cross"), or to those of both views in one
    sequence ("cat"; section 3.2)."""
    mask_ratio: float = 0.9
    """Of the first view's patches, that are hidden: as published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decoder not in ("cross", "cat"):
            raise InputError(f'decoder is {self.decoder!r}; known are "cross" and "cat".')
        if not 0 < self.mask_ratio < 1:
            raise InputError(f"mask_ratio is {self.mask_ratio}; it must be between 0 and 1 (published: 0.9).")


DUST3R_224_LINEAR = NetworkConfig(long_edge=224, head=LinearHeadConfig())
DUST3R_512_LINEAR = NetworkConfig(head=LinearHeadConfig())
DUST3R_512_DPT = NetworkConfig()
MAST3R_512 = NetworkConfig(local_features=LocalFeatureConfig(), metric=True)

SMALL = NetworkConfig(
    long_edge=224,
    enc_embed_dim=192,
    enc_depth=8,
    enc_num_heads=3,
    dec_embed_dim=128,
    dec_depth=4,
    dec_num_heads=2,
    head=DPTHeadConfig(layer_dims=(24, 48, 64, 64), feature_dim=32, last_dim=16),
)
"""For tests, and to train on a laptop."""
