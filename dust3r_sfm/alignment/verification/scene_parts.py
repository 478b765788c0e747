"""Which views of a scene hold each other: its parts, by matches, by what tracks vote, and by points that
three views see. A wrong pose written as right is worse than a photo left out: views are kept only where
others check their place (`witnesses.py`, `parts.py`, `track_parts.py`)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from dust3r_sfm.alignment.bundle.tracks import observations_from_correspondences
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.parts import SeenTracks, find_proven_parts
from dust3r_sfm.alignment.verification.structure import opposed_views, structure_votes
from dust3r_sfm.alignment.verification.track_parts import track_parts
from dust3r_sfm.alignment.verification.witnesses import Witness, pair_witnesses
from dust3r_sfm.types import Correspondences, Pair

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
    found, given = local_correspondences(component, init), find_given(component, init)
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


def find_given(component: Component, init: Initialization) -> Bool[np.ndarray, " n"]:
    """Which members have a pose that was given."""
    return np.array([init.known.cam_from_world[member] is not None for member in component.members])
