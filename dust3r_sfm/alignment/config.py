"""What a user may choose about alignment."""

from dataclasses import dataclass, field

from dust3r_sfm.alignment.growth_config import GrowthConfig
from dust3r_sfm.alignment.presets import Presets
from dust3r_sfm.alignment.proof_config import VerificationConfig
from dust3r_sfm.camera_sharing import CameraSharing


@dataclass(frozen=True)
class AlignmentConfig:
    """cameras: which photos share a focal. bundle_adjustment: sharpen with tracks where there are
    correspondences. fused_maps: depth maps of a view, the best of those that were kept, that are fused.
    presets: what is known of the cameras beforehand. verification: what must be proved of a photo's place.
    seed: of every random choice."""

    cameras: CameraSharing = "auto"
    bundle_adjustment: bool = True
    fused_maps: int = 6
    presets: Presets = field(default_factory=Presets)
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    verification: VerificationConfig = field(default_factory=VerificationConfig)
    seed: int = 0
