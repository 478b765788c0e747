"""What may be chosen about the embedded regressor, and what that means for how pairs are matched."""

from dataclasses import dataclass, field, replace
from typing import Literal

from dust3r_sfm.camera_sharing import CameraChoice
from dust3r_sfm.matching.learned import LearnedConfig
from dust3r_sfm.regressors.choices import KeypointChoice
from dust3r_sfm.regressors.plane_sweep import SweepConfig
from dust3r_sfm.regressors.stereo.features import FeatureConfig
from dust3r_sfm.regressors.stereo.pointmaps import SparseDepthConfig
from dust3r_sfm.regressors.stereo.pure_rotation import TurnConfig
from dust3r_sfm.regressors.stereo.repetition import RepetitionConfig
from dust3r_sfm.regressors.stereo.self_calibration import SelfCalibrationConfig
from dust3r_sfm.regressors.stereo.sweep_choice import SweepChoiceConfig
from dust3r_sfm.regressors.stereo.two_view import TwoViewConfig
from dust3r_sfm.regressors.stereo.wide_baseline.affine_matching import AffineMatchingConfig
from dust3r_sfm.regressors.stereo.wide_baseline.rolls import RollConfig
from dust3r_sfm.regressors.stereo.wide_baseline.rounds import Budget, StrongerConfig


@dataclass(frozen=True)
class StereoConfig(CameraChoice, KeypointChoice):
    """All settings of the embedded regressor: a part for each stage, and what concerns several."""

    long_edge: int = 512
    """Pixels of views and of depth maps, at most: as the published networks have."""
    features: FeatureConfig = field(default_factory=FeatureConfig)
    """SIFT of each photo."""
    max_ratio: float = 0.8
    """Angle to the nearest descriptor over that to the second nearest, below which a match is believed (Lowe
    2004, section 7.1)."""
    two_view: TwoViewConfig = field(default_factory=TwoViewConfig)
    """The geometry of a pair."""
    self_calibration: SelfCalibrationConfig = field(default_factory=SelfCalibrationConfig)
    """Focals from all pairs together."""
    turns: TurnConfig = field(default_factory=TurnConfig)
    """When a pair is taken for a turn of the camera on the spot."""
    repetition: RepetitionConfig = field(default_factory=RepetitionConfig)
    """When a view's pairs are not believed because what they show repeats."""
    sparse_depth: SparseDepthConfig = field(default_factory=SparseDepthConfig)
    """Depth from matches."""
    sweep: SweepConfig = field(default_factory=SweepConfig)
    """Dense depth of a pair."""
    sweep_choice: SweepChoiceConfig = field(default_factory=SweepChoiceConfig)
    """Which pairs are worth that."""
    learned: LearnedConfig = field(default_factory=LearnedConfig)
    """Learned keypoints and their matches."""
    roll: RollConfig = field(default_factory=RollConfig)
    """When a photo is matched turned by quarters."""
    wide: AffineMatchingConfig = field(default_factory=AffineMatchingConfig)
    """Affine SIFT, for photos from very different viewpoints where learned keypoints are not to be had."""
    stronger: StrongerConfig = field(default_factory=StrongerConfig)
    """When plain matches do not suffice, and how much may be done about it."""
    again: bool = True
    """Whether pairs that SIFT leaves apart are matched in other ways."""
    neighbours: int = 4
    """Each view chooses this many others to be swept against, those that share most matches at a good
    angle."""
    device: str = "cpu"
    """Where sweeps and matching run, as torch names it."""


def fast_config(config: StereoConfig) -> StereoConfig:
    """For sets of so many photos that each has several like it: no features at double size, and one sweep a
    photo and not four, as its neighbours' sweeps show the same. It takes a third of the time."""
    return replace(
        config, neighbours=min(config.neighbours, 1), features=replace(config.features, fine_below_px=0)
    )


@dataclass(frozen=True)
class CloserWay:
    """A way to match pairs more closely than plain SIFT does."""

    kind: Literal["affine", "learned", "turned"]
    """Affine SIFT; learned keypoints of photos as they stand; or turned by quarters."""
    budget: Budget
    """What it may cost."""
    every: bool = False
    """Whether all pairs are matched so, whatever that costs."""


def closer_ways(config: StereoConfig, learned: bool) -> tuple[CloserWay, ...]:
    """What is tried in turn where SIFT leaves views apart. `learned`: whether learned keypoints are to be
    had."""
    limits = config.stronger
    if not config.again:
        return ()
    if not learned:
        return (CloserWay("affine", limits.affine),)
    # On a GPU a pair takes milliseconds.
    every = config.keypoints == "aliked" or config.device.split(":")[0] == "cuda"
    return CloserWay("learned", limits.learned, every), CloserWay("turned", limits.turned)
