"""Views that may not stay in a scene though they are in a part of it: their pose is open, or two stand
alone."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.scene_parts import UNCHECKED, find_given, scene_witnesses
from dust3r_sfm.alignment.verification.scene_uncertainty import scene_uncertainty
from dust3r_sfm.alignment.verification.track_parts import MIN_VIEWS
from dust3r_sfm.types import Tracks, View


def uncertain_members(
    component: Component, views: Sequence[View], init: Initialization, config: VerificationConfig
) -> dict[int, str]:
    """Members (by index among all views) whose rotation the tracks leave open, and how far; those that share
    too few tracks with two others; and both of two that are a scene by themselves and have too few matches,
    or a focal that nothing else tells, for that."""
    if len(component.members) == 2 and not find_given(component, init).all():
        alone = _why_not_alone(component, init, config)
        return {} if alone is None else dict.fromkeys(component.members, alone)
    known = scene_uncertainty(component, views, init, config)
    if known is None:
        return _find_hardly_shared(component, init, config)
    rotation: Float[np.ndarray, " n"] = np.where(find_given(component, init), 0.0, known.rotation_std_deg)
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
    few = (shared < config.min_shared_observations) & ~find_given(component, init)
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
