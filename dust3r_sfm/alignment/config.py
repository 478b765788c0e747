"""What a user may choose about alignment."""

from dataclasses import dataclass, field

from dust3r_sfm.alignment.averaging.motion import AveragingConfig
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.incremental_config import IncrementalConfig
from dust3r_sfm.alignment.known_cameras import Presets
from dust3r_sfm.alignment.pairs.initialization import PairsConfig
from dust3r_sfm.alignment.refinement.config import RefinementConfig
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.camera_sharing import CameraChoice


@dataclass(frozen=True)
class AlignmentConfig(CameraChoice):
    """From what pairs say to cameras in one world, stage by stage."""

    presets: Presets = field(default_factory=Presets)
    """What is known of the cameras beforehand."""
    pairs: PairsConfig = field(default_factory=PairsConfig)
    """Relative poses and focals."""
    averaging: AveragingConfig = field(default_factory=AveragingConfig)
    """Rotations, scales and positions of all."""
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    """Of all poses and focals on the pairs' points and matches."""
    bundle: BundleConfig | None = field(default_factory=BundleConfig)
    """Tracks, bundle adjustment and image registration where there are correspondences; None: not."""
    verification: VerificationConfig = field(default_factory=VerificationConfig)
    """What must be proved of a photo's place."""
    incremental: IncrementalConfig | None = field(default_factory=IncrementalConfig)
    """Scenes that grow from initial pairs where averaging leaves apart what firm matches join; None: none
    do. They need `bundle`."""
    seed: int = 0
    """Of every random choice."""
