"""Evidence in, scenes out: every stage of alignment once, in order."""

from collections.abc import Collection, Sequence

from dust3r_sfm.alignment.bundle.component_refinement import readjust_without, refine_component
from dust3r_sfm.alignment.bundle.image_registration import adjust_to_convergence, register_images
from dust3r_sfm.alignment.bundle.schedule import first_adjustment
from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.global_mapping import map_globally
from dust3r_sfm.alignment.incremental_mapping import map_incrementally
from dust3r_sfm.alignment.pairs.initialization import Initialization, initialize
from dust3r_sfm.alignment.report import NO_PAIR, reasons_of_dropped, scene_of_component
from dust3r_sfm.alignment.verification.proved_scenes import Proved, split_into_proved
from dust3r_sfm.evidence import Evidence
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import Reconstruction, View


def align(
    views: Sequence[View],
    evidence: Evidence,
    config: AlignmentConfig | None = None,
    progress: Progress | None = None,
) -> Reconstruction:
    """Every connected component of at least two views as a scene, largest first; no scene if none is.

    World: about the first view's camera, median depth about 1. Views in no scene are in `dropped` with
    the reason. No depth is known yet: `dense.fuse_depth` adds it. Memory: correspondences and a few thousand
    numbers of each pair, and the result.
    """
    if not views or not evidence.summaries:
        return Reconstruction((), {view.name: NO_PAIR for view in views})
    config, progress = config or AlignmentConfig(), progress or Silent()
    init = initialize(views, evidence, config.cameras, config.presets, config.pairs, config.seed, progress)
    progress.start("Global mapping", 1, "steps")
    components, wrong = map_globally(init, views, config.averaging, config.refinement)
    progress.advance()
    refined = _refine(components, views, init, config, progress)
    proved = _prove(refined, views, init, config, progress)
    reasons = {**init.unusable, **wrong}
    scenes = (
        scene_of_component(found, views, init, reasons, config.verification) for found in proved.components
    )
    return Reconstruction(tuple(scenes), reasons_of_dropped(views, proved, init, reasons))


def _refine(
    components: Sequence[Component],
    views: Sequence[View],
    init: Initialization,
    config: AlignmentConfig,
    progress: Progress,
) -> Proved:
    """Each component bundle adjusted and split into what is proved of it, and what grows beside them from
    single pairs. Members may be in several."""
    found: list[Component] = []
    lost: dict[int, str] = {}
    progress.start("Bundle adjustment", len(components), "scenes")
    for component in components:
        refined, gone = refine_component(component, views, init, config.bundle, first_adjustment)
        proved = split_into_proved(refined, views, init, config.verification, config.bundle)
        found.extend(proved.components)
        lost |= {**gone, **proved.lost}
        progress.advance()
    progress.start("Incremental mapping", 1, "steps")
    for grown in map_incrementally(found, views, init, config):
        found.extend(grown.components)
    progress.advance()
    return Proved(tuple(found), lost)


def _prove(
    found: Proved,
    views: Sequence[View],
    init: Initialization,
    config: AlignmentConfig,
    progress: Progress,
) -> Proved:
    """The components, the larger ones having registered what they could of the smaller ones and of the rest;
    each view is in one at most."""
    waiting, lost = sorted(found.components, key=_largest_first), dict(found.lost)
    outside = set(range(len(views)))
    out: list[Component] = []
    progress.start("Registering images", len(waiting), "scenes")
    for component in waiting:
        proved = _register_and_prove(component, outside, views, init, config)
        lost |= {view: why for view, why in proved.lost.items() if view in outside}
        for part in proved.components:
            outside -= set(part.members)
            out.append(part)
        progress.advance()
    return Proved(tuple(sorted(out, key=_largest_first)), lost)


def _register_and_prove(
    component: Component,
    outside: Collection[int],
    views: Sequence[View],
    init: Initialization,
    config: AlignmentConfig,
) -> Proved:
    """What is proved of the component with what it can register of the views `outside` every scene. Nothing,
    where larger ones have taken all but one of its own."""
    taken = set(component.members) - set(outside)
    if len(component) - len(taken) < 2:
        return Proved()
    if taken:
        component = readjust_without(component, taken, views, init, config.bundle)
    left = sorted(set(outside) - set(component.members))
    larger = register_images(component, left, views, init, config.bundle)
    last = adjust_to_convergence(larger, views, init, config.bundle)
    return split_into_proved(last, views, init, config.verification, config.bundle)


def _largest_first(component: Component) -> tuple[int, tuple[int, ...]]:
    return -len(component), component.members
