"""All that may be chosen about localization. Errors are shares of a photo's long edge, where no unit is
named."""

from dataclasses import dataclass, field

from dust3r_sfm.localization.choices import LocalizationChoices
from dust3r_sfm.retrieval import SearchConfig, VladConfig


@dataclass(frozen=True)
class AdjustmentConfig:
    """How points of a reference set are refined, and when its photos are believed to stand elsewhere than
    they were said to (`mapping/adjustment.py`)."""

    point_iterations: int = 50
    """Most steps of the refinement of points alone."""
    pose_iterations: int = 30
    """Most steps of the refinement of poses and points."""
    loss: float = 0.5
    """Scale of the Cauchy loss, of the error up to which an observation counts."""
    min_track: int = 3
    """Photos that must see a point for it to tell poses: what two see fits any small change of them."""
    min_shared: int = 20
    """Such points that two photos must have in common to be held together."""
    min_group: int = 5
    """Photos so held together that are moved at all."""
    worth_it: float = 0.8
    """Of the median error under the given poses: what other poses must come below, to be more than a better
    fit to the noise."""


@dataclass(frozen=True)
class DepthScaleConfig:
    """When a pair's depth is brought to the size that known cameras ask for (`mapping/depth.py`)."""

    min_anchors: int = 8
    """Pixels with a depth whose true one is known."""
    max_spread: float = 0.25
    """Median deviation of the log scales of a pair beyond which its depth has another shape."""


@dataclass(frozen=True)
class PreparationConfig:
    """How a reference set becomes something to localize against."""

    neighbours: int = 10
    """Others that look like it that each photo is compared with."""
    diversity: float = 0.4
    """Of their choice (`retrieval.diverse_neighbours`). 0: the most similar, which in a video hardly
    moved."""
    max_epipolar_error: float = 0.01
    """Of a match, under the known poses."""
    max_error: float = 0.006
    """Reprojection error of an observation of a point that is triangulated."""
    min_angle_deg: float = 1.5
    """Triangulation angle of such a point: COLMAP's own choice."""
    snap: float = 0.002
    """How far a feature of ours may be from an observation of a known point to be taken for it."""
    adjustment: AdjustmentConfig = field(default_factory=AdjustmentConfig)
    """Of points, and of poses that photos contradict."""
    depth_neighbours: int = 4
    """Pairs that the depth of a photo is made from, by regressors without features."""
    depth_scale: DepthScaleConfig = field(default_factory=DepthScaleConfig)
    """When such a pair's depth is used."""
    descriptors: VladConfig = field(default_factory=VladConfig)
    """What photos look like."""
    search: SearchConfig = field(default_factory=SearchConfig)
    """Which look alike."""


@dataclass(frozen=True)
class PoseConfig:
    """How a pose is searched and refined (`absolute_pose.py`)."""

    max_trials: int = 10_000
    """Of RANSAC, at most."""
    focal_shares: tuple[float, ...] = (1.0, 0.4, 0.5, 0.65, 0.8, 1.25, 1.6, 2.0, 2.5)
    """Focals over the long edge that an unknown one is looked for around: from 103 to 23 degrees of view, in
    steps of a quarter. The first is where RANSAC's own search begins."""
    trials_a_focal: int = 200
    """Of RANSAC for each of these, at most."""
    refined_starts: int = 3
    """Of what these find, the best ones that are refined."""
    refinements: int = 3
    """Times that a pose is refined, each time with the inliers of the one before."""
    loss: float = 2.0
    """Scale of the Cauchy loss of the refinement, in median errors of the inliers."""
    reach: float = 6.0
    """How far off a match may be to take part in it, in the same."""
    min_error_px: float = 0.1
    """Median error below which inliers are taken to be no more precise: no feature is."""
    gradient_tolerance: float = 1e-3
    """At which a refinement ends. The Cauchy loss is flat there: smaller steps change no digit that
    counts."""
    plausible_focals: tuple[float, float] = (0.05, 50.0)
    """Least and greatest over the long edge that a camera has."""
    max_lens_parameter: float = 10.0
    """Greatest coefficient of a lens that is none of a runaway refinement."""
    cost_scale: float = 0.5
    """Error at which the log of the robust cost that poses are compared by bends, in errors of an inlier."""
    cost_cutoff: float = 5.0
    """Times that, beyond which matches cost the same: they are wrong whatever the pose."""


@dataclass(frozen=True)
class PoseTransferConfig:
    """How a pose is brought from the world that reference photos agree on into the given one
    (`mapping/pose_consistency.py`)."""

    carriers: int = 20
    """Nearest references whose places in both worlds tell it."""
    min_distance: float = 1e-3
    """In depths: what is nearer counts no more than that."""


@dataclass(frozen=True)
class LocalizationConfig(LocalizationChoices):
    """How a photo is compared with references, and when a pose is accepted."""

    diversity: float = 0.1
    """Of their choice (`retrieval.diverse_neighbours`)."""
    search: SearchConfig = field(default_factory=SearchConfig)
    """Which look like it."""
    min_inlier_ratio: float = 0.1
    """Of all matches that reproject within `max_error`, for a pose to be accepted."""
    pose: PoseConfig = field(default_factory=PoseConfig)
    """How it is searched."""
    pose_transfer: PoseTransferConfig = field(default_factory=PoseTransferConfig)
    """How it is carried into the given world, where reference photos agree on another one."""
    min_confidence: float = 1.5
    """Of a reference's depth, for regressors without features."""
    weak_inliers: int = 100
    """A photo that fewer matches place, or none, is matched with stronger features too, where the regressor
    has them."""
    stronger: PreparationConfig = field(default_factory=lambda: PreparationConfig(neighbours=5))
    """How references get theirs."""
    seed: int = 0
    """Of RANSAC."""
