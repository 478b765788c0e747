"""What of a scene is proved: its parts that hold each other, and how well each camera is known.

A wrong pose written as right is worse than a photo left out. So views are kept only where other views check
their place (`witnesses.py`, `proven_parts.py`) and the tracks leave little of it open (`uncertainty.py`).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from dust3r_sfm.alignment.posing import Posed
from dust3r_sfm.alignment.proof_config import VerificationConfig
from dust3r_sfm.alignment.proven_parts import SeenTracks, proven_parts
from dust3r_sfm.alignment.start import Start
from dust3r_sfm.alignment.tracks import observations_from_correspondences
from dust3r_sfm.alignment.uncertainty import CameraUncertainty, camera_uncertainty
from dust3r_sfm.alignment.witnesses import Witness, pair_witnesses
from dust3r_sfm.types import Correspondences, Pair

UNCHECKED = "nothing checks the one pair that places it"
NO_WITNESS = "too few of its matches agree with its place"


def local_correspondences(posed: Posed, start: Start) -> dict[Pair, Correspondences]:
    """Matches of all pairs inside a scene, used or not, each unordered pair once, with views numbered as in
    `members`."""
    number = {member: local for local, member in enumerate(posed.members)}
    found = start.correspondences
    return {
        Pair(number[pair.i], number[pair.j]): matches
        for pair, matches in found.items()
        if pair.i in number and pair.j in number and len(matches)
        if pair.i < pair.j or pair.swapped() not in found
    }


def scene_witnesses(posed: Posed, start: Start, config: VerificationConfig) -> tuple[Witness, ...]:
    """Of all pairs inside the scene."""
    found = local_correspondences(posed, start)
    return pair_witnesses(posed.cameras, posed.cam_from_world, found, config.witnesses)


def part_labels(posed: Posed, start: Start, config: VerificationConfig) -> Int[np.ndarray, " n"]:
    """See `proven_parts`; all the same where no matches tell, as with networks that give none."""
    found = local_correspondences(posed, start)
    if not found or not len(posed.tracks.xyz):
        return np.zeros(len(posed.members), dtype=np.int64)
    witnesses = pair_witnesses(posed.cameras, posed.cam_from_world, found, config.witnesses)
    observations = observations_from_correspondences(found)
    seen = SeenTracks(observations, posed.cameras, posed.cam_from_world)
    return proven_parts(witnesses, seen, _given(posed, start), config.parts)


def reasons_of_unproved(
    posed: Posed, start: Start, lost: Sequence[int], config: VerificationConfig
) -> dict[int, str]:
    """Why these members (by index among all views) are in no part."""
    held = {view for w in scene_witnesses(posed, start, config) if w.supports for view in (w.i, w.j)}
    local = {member: row for row, member in enumerate(posed.members)}
    return {member: UNCHECKED if local[member] in held else NO_WITNESS for member in lost}


def scene_uncertainty(posed: Posed, start: Start, config: VerificationConfig) -> CameraUncertainty | None:
    """Of the scene's cameras, by its tracks."""
    groups = np.array([start.groups[member] for member in posed.members])
    used, local = np.unique(groups, return_inverse=True)
    prior = np.where(start.evidence.given[used], 0.0, np.inf)
    return camera_uncertainty(
        posed.cameras, posed.cam_from_world, posed.tracks, local.ravel().tolist(), prior, config.uncertainty
    )


def _given(posed: Posed, start: Start) -> Bool[np.ndarray, " n"]:
    return np.array([start.known.cam_from_world[member] is not None for member in posed.members])


def uncertain_members(posed: Posed, start: Start, config: VerificationConfig) -> Mapping[int, str]:
    """Members (by index among all views) whose rotation the tracks leave open, and how far."""
    known = scene_uncertainty(posed, start, config)
    if known is None:
        return {}
    rotation: Float[np.ndarray, " n"] = np.where(_given(posed, start), 0.0, known.rotation_std_deg)
    return {
        posed.members[row]: f"its rotation is known to {rotation[row]:.1f} degrees only"
        for row in np.flatnonzero(rotation > config.max_rotation_std_deg).tolist()
    }
