"""All that may be chosen about localization."""

from dataclasses import dataclass, field

from dust3r_sfm.localization.choices import LocalizationChoices
from dust3r_sfm.retrieval import VladConfig


@dataclass(frozen=True)
class PreparationConfig:
    """How a reference set becomes something to localize against; errors are shares of a photo's long edge.

    `neighbours`: each photo is compared with this many others that look like it, chosen with `diversity`
    (0: the most similar, which in a video hardly moved). `max_epipolar_error`: of a match, under the known
    poses. `max_error`, `min_angle_deg`: of a point that is triangulated. `snap`: how far a feature of ours
    may be from an observation of a known point to be taken for it. `depth_neighbours`: pairs that the
    depth of a photo is made from, by regressors without features.
    """

    neighbours: int = 10
    diversity: float = 0.4
    max_epipolar_error: float = 0.01
    max_error: float = 0.006
    min_angle_deg: float = 1.5
    snap: float = 0.002
    depth_neighbours: int = 4
    descriptors: VladConfig = field(default_factory=VladConfig)


@dataclass(frozen=True)
class LocalizationConfig(LocalizationChoices):
    """References a photo is compared with are chosen with `diversity`. A pose is accepted with `min_inliers`
    matches and `min_inlier_ratio` of all that reproject within `max_error`. `loss` and `reach`, in median
    errors of the inliers: scale of the Cauchy loss of the refinement, and how far off a match may be to take
    part in it. `min_confidence`: of a reference's depth, for regressors without features. A photo that fewer
    than `weak_inliers` matches place, or none, is matched with stronger features too, where the regressor has
    them; `stronger`: how references get theirs.
    """

    diversity: float = 0.1
    loss: float = 2.0
    reach: float = 6.0
    min_inlier_ratio: float = 0.1
    max_trials: int = 10_000
    min_confidence: float = 1.5
    weak_inliers: int = 100
    stronger: PreparationConfig = field(default_factory=lambda: PreparationConfig(neighbours=5))
    seed: int = 0
