"""A scene in, the scenes that are proved of it out: split, adjusted again, and asked again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from dust3r_sfm.alignment.bundle.bundle_refinement import COARSE
from dust3r_sfm.alignment.bundle.image_registration import without
from dust3r_sfm.alignment.bundle.refined_component import Posed
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.pairs.initialization import Start
from dust3r_sfm.alignment.verification.checks import part_labels, reasons_of_unproved, uncertain_members
from dust3r_sfm.alignment.verification.focal_prior import with_usual_focals
from dust3r_sfm.types import View

MOST_ROUNDS = 4
"""Times a part is asked again after it lost views, before what is left of it is given up."""
STILL_CHANGING = "its scene fell apart each time that it was adjusted without what was not proved"


@dataclass(frozen=True)
class Proved:
    """Scenes whose every view is proved, and why the other views (by index among all) are in none."""

    scenes: tuple[Posed, ...]
    lost: dict[int, str]


def proved_scenes(
    posed: Posed, views: Sequence[View], start: Start, config: AlignmentConfig, rounds: int = MOST_ROUNDS
) -> Proved:
    """The parts of a scene that hold each other, each adjusted without the rest, until nothing is lost any
    more. Untouched, and at no cost but a few triangulations, where all is proved."""
    if rounds == 0:
        return Proved((), dict.fromkeys(posed.members, STILL_CHANGING))
    if len(posed.members) < 2:
        return Proved((), {})
    labels = part_labels(posed, start, config.verification)
    if not (labels == labels[0]).all():
        return _parts(posed, labels, views, start, config, rounds)
    held = with_usual_focals(posed, views, start, config)
    if held.members != posed.members:
        again = proved_scenes(held, views, start, config, rounds - 1)
        return Proved(again.scenes, again.lost | _gone(posed, held, ()))
    posed = held
    unsure = uncertain_members(posed, views, start, config.verification)
    if not unsure:
        return Proved((posed,), {})
    if len(posed.members) - len(unsure) < 2:
        return Proved(
            (), unsure | dict.fromkeys(set(posed.members) - set(unsure), next(iter(unsure.values())))
        )
    left = without(posed, set(unsure), views, start, config)
    again = proved_scenes(left, views, start, config, rounds - 1)
    return Proved(again.scenes, unsure | again.lost | _gone(posed, left, unsure))


def _parts(
    posed: Posed,
    labels: np.ndarray,
    views: Sequence[View],
    start: Start,
    config: AlignmentConfig,
    rounds: int,
) -> Proved:
    members = np.array(posed.members)
    values, counts = np.unique(labels, return_counts=True)
    alone = members[np.isin(labels, values[counts == 1])].tolist()
    lost = reasons_of_unproved(posed, start, alone, config.verification)
    scenes: list[Posed] = []
    for label in values[counts > 1]:
        others = set(members[labels != label].tolist())
        # What did not belong there may have bent the rest: adjusted as if it were new.
        part = without(posed, others, views, start, config, COARSE)
        found = proved_scenes(part, views, start, config, rounds - 1)
        scenes.extend(found.scenes)
        lost |= found.lost | _gone(posed, part, others)
    return Proved(tuple(scenes), lost)


def _gone(before: Posed, after: Posed, others: Collection[int]) -> dict[int, str]:
    """Views that an adjustment lost on the way."""
    left = set(before.members) - set(after.members) - set(others)
    return dict.fromkeys(sorted(left), "too few of its observations agree with the other views")
