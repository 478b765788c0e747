"""Which rounds an adjustment takes, by what was adjusted before."""

from collections.abc import Callable
from dataclasses import dataclass

from dust3r_sfm.alignment.bundle.config import BundleConfig


@dataclass(frozen=True)
class Schedule:
    """One adjustment of a component."""

    name: str
    """In the report."""
    rounds: tuple[float, ...]
    """Largest error of an observation in each, as a share of the long edge."""
    tolerance: float
    """Of what follows the rounds."""
    focals_move: bool = True
    """If not, focals stay as they are throughout."""
    reports_start: bool = False
    """Whether the report tells the tracks' errors before it, too."""


Scheduler = Callable[[BundleConfig], Schedule]
"""One of the functions below: asked only where there is bundle adjustment."""


def first_adjustment(config: BundleConfig) -> Schedule:
    """Of cameras that were only aligned."""
    rounds = (config.rough_error, *config.middle_errors)
    return Schedule("bundle adjustment", rounds, config.settled_tolerance, reports_start=True)


def later_adjustment(config: BundleConfig) -> Schedule:
    """Of cameras adjusted before, to which others came or from which some went."""
    return Schedule("bundle adjustment with other views", config.later_errors, config.settled_tolerance)


def initial_pair_adjustment(config: BundleConfig) -> Schedule:
    """Of two views that a scene begins with, which hardly tell their focal."""
    name = "bundle adjustment of a pair"
    return Schedule(name, config.middle_errors, config.settled_tolerance, focals_move=False)


def final_adjustment(config: BundleConfig) -> Schedule:
    """For the last time."""
    return Schedule("bundle adjustment to the end", (), config.final_tolerance)
