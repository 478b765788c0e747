"""A component in, the components that are proved of it out: split, adjusted again, and asked again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from dust3r_sfm.alignment.bundle.component_refinement import readjust_without
from dust3r_sfm.alignment.bundle.config import BundleConfig
from dust3r_sfm.alignment.bundle.schedule import first_adjustment
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.open_focals import hold_open_focals
from dust3r_sfm.alignment.verification.scene_parts import part_labels, reasons_of_unproved
from dust3r_sfm.alignment.verification.uncertain_members import uncertain_members
from dust3r_sfm.types import View

STILL_CHANGING = "its scene fell apart each time that it was adjusted without what was not proved"


@dataclass(frozen=True)
class Proved:
    """Components whose every view is proved, and why the other views (by index among all) are in none."""

    components: tuple[Component, ...] = ()
    lost: Mapping[int, str] = field(default_factory=dict)


def split_into_proved(
    component: Component,
    views: Sequence[View],
    init: Initialization,
    config: VerificationConfig,
    bundle: BundleConfig | None,
    rounds: int | None = None,
) -> Proved:
    """The parts that hold each other, each adjusted without the rest, until nothing is lost any more, or so
    many `rounds` (those of the config if not said) have passed. Untouched, and at no cost but a few
    triangulations, where all is proved."""
    rounds = config.most_splits if rounds is None else rounds
    if rounds == 0:
        return Proved(lost=dict.fromkeys(component.members, STILL_CHANGING))
    if len(component) < 2:
        return Proved()
    labels = part_labels(component, init, config)
    if not (labels == labels[0]).all():
        return _split(component, labels, views, init, config, bundle, rounds)
    held = hold_open_focals(component, views, init, config, bundle)
    if held.members != component.members:
        again = split_into_proved(held, views, init, config, bundle, rounds - 1)
        return Proved(again.components, {**again.lost, **_find_lost(component, held, ())})
    unsure = uncertain_members(held, views, init, config)
    if not unsure:
        return Proved((held,))
    if len(held) - len(unsure) < 2:
        others = dict.fromkeys(set(held.members) - set(unsure), next(iter(unsure.values())))
        return Proved(lost={**unsure, **others})
    left = readjust_without(held, set(unsure), views, init, bundle)
    again = split_into_proved(left, views, init, config, bundle, rounds - 1)
    return Proved(again.components, {**unsure, **again.lost, **_find_lost(held, left, unsure)})


def _split(
    component: Component,
    labels: Int[np.ndarray, " n"],
    views: Sequence[View],
    init: Initialization,
    config: VerificationConfig,
    bundle: BundleConfig | None,
    rounds: int,
) -> Proved:
    members = np.array(component.members)
    values, counts = np.unique(labels, return_counts=True)
    alone = members[np.isin(labels, values[counts == 1])].tolist()
    lost = reasons_of_unproved(component, init, alone, config)
    found: list[Component] = []
    for label in values[counts > 1]:
        others = set(members[labels != label].tolist())
        # What did not belong there may have bent the rest: adjusted as if it were new.
        part = readjust_without(component, others, views, init, bundle, first_adjustment)
        proved = split_into_proved(part, views, init, config, bundle, rounds - 1)
        found.extend(proved.components)
        lost = {**lost, **proved.lost, **_find_lost(component, part, others)}
    return Proved(tuple(found), lost)


def _find_lost(before: Component, after: Component, others: Collection[int]) -> dict[int, str]:
    """Views that an adjustment lost on the way."""
    left = set(before.members) - set(after.members) - set(others)
    return dict.fromkeys(sorted(left), "too few of its observations agree with the other views")
