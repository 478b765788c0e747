"""What a user may choose about alignment."""

from dataclasses import dataclass, field

from dust3r_sfm.alignment.incremental_config import GrowthConfig
from dust3r_sfm.alignment.known_cameras import Presets
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.camera_groups import CameraSharing


@dataclass(frozen=True)
class AlignmentConfig:
    """cameras: which photos share a focal. bundle_adjustment: sharpen with tracks where there are some.
    presets: what is known of the cameras beforehand. verification: what must be proved of a photo's place.
    seed: of every random choice."""

    cameras: CameraSharing = "auto"
    bundle_adjustment: bool = True
    presets: Presets = field(default_factory=Presets)
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    verification: VerificationConfig = field(default_factory=VerificationConfig)
    seed: int = 0
