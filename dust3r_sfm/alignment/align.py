"""Evidence in, scenes out: every stage of alignment once, in order."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.bundle.image_registration import polished, recovered, without
from dust3r_sfm.alignment.bundle.refined_component import Posed, pose
from dust3r_sfm.alignment.components import Solved, solve_components
from dust3r_sfm.alignment.config import AlignmentConfig
from dust3r_sfm.alignment.incremental_mapping import grown_scenes
from dust3r_sfm.alignment.pairs.edges import stack_edges
from dust3r_sfm.alignment.pairs.initialization import Start, gather
from dust3r_sfm.alignment.verification.proved_scenes import proved_scenes
from dust3r_sfm.alignment.verification.repeated_structure import repeated_structure
from dust3r_sfm.alignment.verification.verdict import proofs_of, verdict_of
from dust3r_sfm.evidence import Evidence, PairSummary
from dust3r_sfm.progress import Progress, Silent
from dust3r_sfm.types import (
    AlignmentReport,
    Pair,
    PairGeometry,
    PairReport,
    Reconstruction,
    Scene,
    View,
)

ONLY_TURNED = "seen only by turning on the spot: nothing tells how far away anything is"
NOT_HELD = "its pairs fix no place for it among the other photos"
PAIR_ONLY_TURNED = "the camera only turned: it tells no distance"
PAIR_ELSEWHERE = "one of its photos is not in this scene"
PAIR_DISAGREES = "its matches do not agree with where the other pairs put its photos"


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
        return Reconstruction((), {view.name: "no pair with another image" for view in views})
    config, progress = config or AlignmentConfig(), progress or Silent()
    start = gather(views, evidence, config, progress)
    progress.start("Aligning", 1, "steps")
    solved, wrong = _solved(start, views)
    progress.advance()
    reasons = {**start.unusable, **wrong}
    dropped: dict[int, str] = {}
    posed = _posed(solved, views, start, config, dropped)
    scenes = tuple(_scene(p, views, start, reasons, config) for p in posed)
    return Reconstruction(scenes, _dropped(views, posed, start, reasons, dropped))


def _solved(start: Start, views: Sequence[View]) -> tuple[list[Solved], dict[Pair, str]]:
    if not start.measured:
        return [], {}
    edges = stack_edges(start.measured)
    return solve_components(edges, views, start.pixels, start.groups, start.evidence, start.known)


def _posed(
    solved: Sequence[Solved],
    views: Sequence[View],
    start: Start,
    config: AlignmentConfig,
    dropped: dict[int, str],
) -> list[Posed]:
    """The components that still have two views after sharpening, the larger ones having taken in what
    they could of the smaller ones and of the rest; fills `dropped`."""
    waiting: list[Posed] = []
    for component in solved:
        result, gone = pose(component, views, start, config)
        dropped.update(gone)
        proved = proved_scenes(result, views, start, config)
        dropped.update(proved.lost)
        waiting.extend(proved.scenes)
    for proved in grown_scenes(waiting, views, start, config):
        waiting.extend(proved.scenes)
    outside = set(range(len(views)))
    out: list[Posed] = []
    while waiting:
        result = min(waiting, key=lambda p: (-len(p.members), p.members))
        waiting.remove(result)
        taken = set(result.members) - outside
        if len(result.members) - len(taken) < 2:
            continue
        if taken:
            result = without(result, taken, views, start, config)
        grown = recovered(result, sorted(outside - set(result.members)), views, start, config)
        proved = proved_scenes(polished(grown, views, start, config), views, start, config)
        dropped.update({view: why for view, why in proved.lost.items() if view in outside})
        for found in proved.scenes:
            outside -= set(found.members)
            out.append(found)
    return sorted(out, key=lambda p: (-len(p.members), p.members))


def _scene(
    posed: Posed,
    views: Sequence[View],
    start: Start,
    reasons: Mapping[Pair, str],
    config: AlignmentConfig,
) -> Scene:
    members = set(posed.members)
    repeated = repeated_structure(posed, start.measured)
    reports = tuple(
        PairReport(
            s.pair,
            s.pair in posed.scales,
            s.geometry,
            s.num_correspondences,
            posed.residual_px.get(s.pair),
            None if s.pair in posed.scales else _why_unused(s, members, {**reasons, **repeated}),
            posed.scales.get(s.pair),
        )
        for s in start.summaries
        if s.pair.i in members or s.pair.j in members
    )
    proofs = proofs_of(posed, views, start, config.verification)
    verdict, why = verdict_of(proofs, config.verification)
    inside = tuple(views[m] for m in posed.members)
    return Scene(
        inside,
        posed.cameras,
        posed.cam_from_world,
        *_unknown_depth(inside),
        posed.tracks,
        AlignmentReport(
            reports,
            posed.bundle_adjustment,
            posed.robust_error_before_px,
            posed.robust_error_after_px,
            tuple(sorted(repeated)),
            stages=posed.stages,
            proofs=proofs,
            verdict=verdict,
            verdict_reason=why,
            pair_unit=float(np.median(list(posed.scales.values()))) if posed.scales else None,
        ),
    )


def _why_unused(summary: PairSummary, members: set[int], reasons: Mapping[Pair, str]) -> str:
    pair = summary.pair
    if pair in reasons:
        return reasons[pair]
    if pair.i not in members or pair.j not in members:
        return PAIR_ELSEWHERE
    return PAIR_ONLY_TURNED if summary.geometry is PairGeometry.ROTATION_ONLY else PAIR_DISAGREES


def _unknown_depth(
    views: Sequence[View],
) -> tuple[tuple[Float[np.ndarray, "_h _w"], ...], tuple[Float[np.ndarray, "_h _w"], ...]]:
    """Depth 0 and confidence 1 in every pixel, in no memory."""
    shapes = [view.image.shape[:2] for view in views]
    depth, confidence = np.float32(0.0), np.float32(1.0)
    return (
        tuple(np.broadcast_to(depth, shape) for shape in shapes),
        tuple(np.broadcast_to(confidence, shape) for shape in shapes),
    )


def _dropped(
    views: Sequence[View],
    posed: Sequence[Posed],
    start: Start,
    reasons: Mapping[Pair, str],
    sharpened_away: Mapping[int, str],
) -> dict[str, str]:
    """Why each view that is in no scene is not: what most of its pairs suffered from."""
    placed = {member for p in posed for member in p.members}
    geometry = {s.pair: s.geometry for s in start.summaries}
    out = {}
    for index, view in enumerate(views):
        if index in placed:
            continue
        mine = [s.pair for s in start.summaries if index in (s.pair.i, s.pair.j)]
        common = Counter(reasons[pair] for pair in mine if pair in reasons).most_common(1)
        if index in sharpened_away:
            out[view.name] = sharpened_away[index]
        elif not mine:
            out[view.name] = "no pair with another image"
        elif common:
            out[view.name] = f"none of its {len(mine)} pairs could be used: {common[0][0]}"
        else:
            turning = all(geometry[pair] is PairGeometry.ROTATION_ONLY for pair in mine)
            out[view.name] = ONLY_TURNED if turning else NOT_HELD
    return out
