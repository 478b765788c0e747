"""What a user may choose about alignment."""

from dataclasses import dataclass, field

from dust3r_sfm.alignment.incremental_config import GrowthConfig
from dust3r_sfm.alignment.known_cameras import Presets
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.camera_sharing import CameraChoice


@dataclass(frozen=True)
class AlignmentConfig(CameraChoice):
    """How pairs become scenes."""

    bundle_adjustment: bool = True
    """Whether the cameras are refined with tracks, where there are some."""
    presets: Presets = field(default_factory=Presets)
    """What is known of the cameras beforehand."""
    growth: GrowthConfig = field(default_factory=GrowthConfig)
    """How scenes grow from single pairs."""
    verification: VerificationConfig = field(default_factory=VerificationConfig)
    """What must be proved of a photo's place."""
    seed: int = 0
    """Of every random choice."""
