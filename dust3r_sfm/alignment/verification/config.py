"""What must be proved of a photo's place before it is written."""

from dataclasses import dataclass, field, replace

from dust3r_sfm.alignment.verification.parts import PartConfig
from dust3r_sfm.alignment.verification.pose_covariance import UncertaintyConfig
from dust3r_sfm.alignment.verification.repeated_structure import RepeatedStructureConfig
from dust3r_sfm.alignment.verification.structure import StructureConfig
from dust3r_sfm.alignment.verification.witnesses import WitnessConfig


@dataclass(frozen=True)
class VerificationConfig:
    """When a photo's place is proved."""

    witnesses: WitnessConfig = field(default_factory=WitnessConfig)
    """Which pairs count."""
    structure: StructureConfig = field(default_factory=StructureConfig)
    """Which photos the scene's own points stand against."""
    repeated_structure: RepeatedStructureConfig = field(default_factory=RepeatedStructureConfig)
    """Which rejected pairs are reported to agree on another place."""
    parts: PartConfig = field(default_factory=PartConfig)
    """Which photos hold each other."""
    uncertainty: UncertaintyConfig = field(default_factory=UncertaintyConfig)
    """How the covariance of cameras is estimated."""
    most_splits: int = 4
    """Times a part is asked again after it lost views, before what is left of it is given up."""
    max_rotation_std_deg: float = 0.75
    """Largest standard deviation of a view's rotation within its scene."""
    min_shared_observations: int = 30
    """Observations of a view in tracks that two others of its scene see as well (COLMAP registers a photo
    with as many): a pair's matches fit its own epipolar geometry, which a small thing far away hardly fixes;
    only where three photos see a point it is tried. Asked of scenes of three views and more."""
    min_matches_alone: int = 200
    """Agreeing matches of two views that are a scene by themselves: nobody else checks their pair."""
    given_focal_alone: bool = True
    """Whether the focal of such two must be given: one pair's geometry fits a focal 70 % off as well, and
    tells it to a hundredth."""
    max_focal_std: float = 0.1
    """Standard deviation of a log focal from which on the tracks do not tell it, and what is usual counts."""
    usual_focal: float = 1.2
    """Focal over the long edge where nothing is known, as COLMAP assumes: of a phone's or a normal zoom
    lens."""
    usual_focal_std: float = 0.35
    """Spread of the logarithm of most photos' focals about that."""
    exif_focal_std: float = 0.15
    """Standard deviation that the log of a focal from EXIF is granted: three times what most have."""


def for_pairs_that_know_depth(config: VerificationConfig) -> VerificationConfig:
    """For regressors that see depth and focal in each photo by itself, as networks do: two photos may be a
    scene with as few matches as a witness has, and with the focal that their pointmaps show; photos from one
    place are one without a single triangulated point; and matches need not spread as far, as all pixels of
    the pointmaps speak for a pair's pose besides."""
    return replace(
        config,
        witnesses=replace(config.witnesses, min_cells=config.witnesses.min_cells_beside_depth),
        parts=replace(config.parts, min_block_points=0, min_seed_matches=config.witnesses.min_matches),
        min_shared_observations=0,
        min_matches_alone=config.witnesses.min_matches,
        given_focal_alone=False,
        max_focal_std=float("inf"),
    )
