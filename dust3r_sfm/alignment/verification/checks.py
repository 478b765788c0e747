"""What of a scene is proved: its parts that hold each other, and how well each camera is known.

A wrong pose written as right is worse than a photo left out. So views are kept only where other views check
their place (`witnesses.py`, `parts.py`, `track_parts.py`) and the tracks leave little of it open
(`pose_covariance.py`).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.bundle.tracks import observations_from_correspondences
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.parts import SeenTracks, find_proven_parts
from dust3r_sfm.alignment.verification.pose_covariance import CameraUncertainty, camera_uncertainty
from dust3r_sfm.alignment.verification.structure import opposed_views, structure_votes
from dust3r_sfm.alignment.verification.track_parts import MIN_VIEWS, track_parts
from dust3r_sfm.alignment.verification.witnesses import Witness, pair_witnesses
from dust3r_sfm.geometry.view_cameras import view_scale
from dust3r_sfm.types import Correspondences, Pair, Tracks, View

UNCHECKED = "nothing checks the one pair that places it"
NOT_HELD = "its pairs do not check each other: matches disagree, or show next to no depth"
NO_WITNESS = "too few of its matches agree with its place"


def local_correspondences(component: Component, init: Initialization) -> dict[Pair, Correspondences]:
    """Matches of all pairs inside a scene, used or not, each unordered pair once, with views numbered as in
    `members`."""
    number = component.local
    found = init.correspondences
    return {
        Pair(number[pair.i], number[pair.j]): matches
        for pair, matches in found.items()
        if pair.i in number and pair.j in number and len(matches)
        if pair.i < pair.j or pair.swap() not in found
    }


def scene_witnesses(
    component: Component, init: Initialization, config: VerificationConfig
) -> tuple[Witness, ...]:
    """Of all pairs inside the scene."""
    found = local_correspondences(component, init)
    return pair_witnesses(component.cameras, component.cam_from_world, found, config.witnesses)


def part_labels(
    component: Component, init: Initialization, config: VerificationConfig
) -> Int[np.ndarray, " n"]:
    """See `find_proven_parts`; all the same where no pair of any views has matches, as with networks that
    give none."""
    found, given = local_correspondences(component, init), _find_given(component, init)
    if not init.correspondences:
        return np.zeros(len(component), dtype=np.int64)
    if not found:
        return np.where(given, np.argmax(given), np.arange(len(given)))  # What is given is together.
    witnesses = pair_witnesses(component.cameras, component.cam_from_world, found, config.witnesses)
    observations = observations_from_correspondences(found)
    votes = structure_votes(
        component.tracks, component.cameras, component.cam_from_world, found, config.structure
    )
    opposed = opposed_views(votes, config.structure)
    seen = SeenTracks(observations, component.cameras, component.cam_from_world, opposed)
    parts = find_proven_parts(witnesses, seen, given, config.parts)
    if not config.min_shared_observations:
        return parts
    groups = track_parts(component.tracks, len(parts), config.min_shared_observations)
    # What is given needs no points to hold it.
    groups = np.where(np.isin(groups, groups[given]), groups.max() + 1, groups)
    return _divide(parts, groups)


def _divide(parts: Int[np.ndarray, " n"], groups: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Parts divided by groups; a view that is left alone by that stays with most of its part."""
    both, label = np.unique(np.stack([parts, groups], axis=1), axis=0, return_inverse=True)
    label = label.ravel()
    counts = np.bincount(label)
    for alone in np.flatnonzero(counts == 1).tolist():
        mates = np.flatnonzero(both[:, 0] == both[alone, 0])
        label[label == alone] = mates[np.argmax(counts[mates])]
    return label


def reasons_of_unproved(
    component: Component, init: Initialization, lost: Sequence[int], config: VerificationConfig
) -> dict[int, str]:
    """Why these members (by index among all views) are in no part."""
    supporting = [w for w in scene_witnesses(component, init, config) if w.supports]
    ends = np.array([(w.i, w.j) for w in supporting], dtype=np.int64).ravel()
    counts = np.bincount(ends, minlength=len(component.members))
    local = component.local
    reasons = NO_WITNESS, UNCHECKED, NOT_HELD
    return {member: reasons[min(counts[local[member]], 2)] for member in lost}


def scene_uncertainty(
    component: Component,
    views: Sequence[View],
    init: Initialization,
    config: VerificationConfig,
    with_prior: bool = True,
) -> CameraUncertainty | None:
    """Of the scene's cameras, by its tracks and, `with_prior`, by what is known of focals beforehand."""
    groups = np.array([init.groups[member] for member in component.members])
    _, first, local = np.unique(groups, return_index=True, return_inverse=True)
    prior = prior_stds([component.members[row] for row in first.tolist()], views, init, config)
    if not with_prior:
        prior = np.where(prior > 0, np.inf, 0.0)
    return camera_uncertainty(
        component.cameras,
        component.cam_from_world,
        component.tracks,
        local.ravel().tolist(),
        prior,
        config.uncertainty,
    )


def prior_log_focal(view: View, config: VerificationConfig) -> tuple[float, float]:
    """log focal in pixels of the stored file, and its standard deviation: from EXIF, else a usual lens."""
    if view.exif_focal_px:
        return float(np.log(view.exif_focal_px / view_scale(view))), config.exif_focal_std
    return float(np.log(config.usual_focal * max(view.original_size))), config.usual_focal_std


def prior_stds(
    members: Sequence[int], views: Sequence[View], init: Initialization, config: VerificationConfig
) -> Float[np.ndarray, " n"]:
    """Standard deviation of what is known of each member's log focal beforehand: 0 where it is given."""
    return np.array(
        [
            0.0 if init.evidence.given[init.groups[m]] else prior_log_focal(views[m], config)[1]
            for m in members
        ]
    )


def _find_given(component: Component, init: Initialization) -> Bool[np.ndarray, " n"]:
    return np.array([init.known.cam_from_world[member] is not None for member in component.members])


def uncertain_members(
    component: Component, views: Sequence[View], init: Initialization, config: VerificationConfig
) -> dict[int, str]:
    """Members (by index among all views) whose rotation the tracks leave open, and how far; those that share
    too few tracks with two others; and both of two that are a scene by themselves and have too few matches,
    or a focal that nothing else tells, for that."""
    if len(component.members) == 2 and not _find_given(component, init).all():
        alone = _why_not_alone(component, init, config)
        return {} if alone is None else dict.fromkeys(component.members, alone)
    known = scene_uncertainty(component, views, init, config)
    if known is None:
        return _find_hardly_shared(component, init, config)
    rotation: Float[np.ndarray, " n"] = np.where(_find_given(component, init), 0.0, known.rotation_std_deg)
    unsure = {
        component.members[row]: f"its rotation is known to {rotation[row]:.1f} degrees only"
        for row in np.flatnonzero(rotation > config.max_rotation_std_deg).tolist()
    }
    return _find_hardly_shared(component, init, config) | unsure


def _find_hardly_shared(
    component: Component, init: Initialization, config: VerificationConfig
) -> dict[int, str]:
    """Nothing is asked of scenes without tracks, which were not bundle adjusted."""
    if not len(component.tracks.xyz):
        return {}
    shared = shared_observations(component.tracks, len(component.members))
    few = (shared < config.min_shared_observations) & ~_find_given(component, init)
    return {
        component.members[row]: f"only {shared[row]} of its points are seen by two other photos"
        for row in np.flatnonzero(few).tolist()
    }


def shared_observations(tracks: Tracks, num_views: int) -> Int[np.ndarray, " n"]:
    """How many observations of each view are in tracks of three and more views."""
    lengths = np.bincount(tracks.point_index, minlength=len(tracks.xyz))
    tried = lengths[tracks.point_index] >= MIN_VIEWS
    return np.bincount(tracks.view_index[tried], minlength=num_views)


def _why_not_alone(component: Component, init: Initialization, config: VerificationConfig) -> str | None:
    if not init.correspondences:
        return None
    agreeing = max((w.agreeing for w in scene_witnesses(component, init, config)), default=0)
    if agreeing < config.min_matches_alone:
        return f"{UNCHECKED}, and it has only {agreeing} matches"
    given = all(init.evidence.given[init.groups[member]] for member in component.members)
    if config.given_focal_alone and not given:
        return f"{UNCHECKED}, and nothing tells its focal (give --focal)"
    return None
