"""What must be proved of a photo's place before it is written."""

from dataclasses import dataclass, field

from dust3r_sfm.alignment.proven_parts import PartConfig
from dust3r_sfm.alignment.uncertainty import UncertaintyConfig
from dust3r_sfm.alignment.witnesses import WitnessConfig


@dataclass(frozen=True)
class VerificationConfig:
    """When a photo's place is proved."""

    witnesses: WitnessConfig = field(default_factory=WitnessConfig)
    """Which pairs count."""
    parts: PartConfig = field(default_factory=PartConfig)
    """Which photos hold each other."""
    uncertainty: UncertaintyConfig = field(default_factory=UncertaintyConfig)
    """How the covariance of cameras is estimated."""
    max_rotation_std_deg: float = 1.5
    """Largest standard deviation of a view's rotation within its scene."""
