"""MASt3R (Leroy et al., ECCV 2024, section 3): DUSt3R that also gives every pixel a descriptor to match."""

from jaxtyping import Float
from torch import Tensor

from dust3r_sfm.networks.config import LocalFeatureConfig
from dust3r_sfm.networks.dust3r import Dust3r
from dust3r_sfm.networks.heads import LocalFeatureHead
from dust3r_sfm.networks.outputs import (
    ViewOutput,
    confidence_from_raw,
    descriptors_from_raw,
    points_from_raw,
)


class Mast3r(Dust3r):
    """Encoder and decoders are DUSt3R's; `config.local_features` says what the heads add."""

    @property
    def features(self) -> LocalFeatureConfig:
        assert self.config.local_features is not None, "without local features this is Dust3r"
        return self.config.local_features

    def new_head(self) -> LocalFeatureHead:
        return LocalFeatureHead(self.config, self.features)

    def view_output(self, raw: Float[Tensor, "b c h w"]) -> ViewOutput:
        """Channels: x, y, z, confidence, the descriptor, and its confidence if it has its own."""
        config, features = self.config, self.features
        points = points_from_raw(raw[:, :3])
        confidence = confidence_from_raw(raw[:, 3], config.confidence_min, config.confidence_max)
        descriptors = descriptors_from_raw(raw[:, 4 : 4 + features.dim])
        descriptor_confidence = confidence
        if features.two_confidences:
            descriptor_confidence = confidence_from_raw(
                raw[:, -1], features.confidence_min, features.confidence_max
            )
        return ViewOutput(points, confidence, descriptors, descriptor_confidence)
