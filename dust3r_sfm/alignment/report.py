"""What is told of a component: its scene, what became of each pair, and why views are in none."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from dust3r_sfm.alignment.component import Component
from dust3r_sfm.alignment.pairs.initialization import Initialization
from dust3r_sfm.alignment.verification.config import VerificationConfig
from dust3r_sfm.alignment.verification.proved_scenes import Proved
from dust3r_sfm.alignment.verification.repeated_structure import find_repeated_structure
from dust3r_sfm.alignment.verification.verdict import scene_verdict, view_proofs
from dust3r_sfm.evidence import PairSummary
from dust3r_sfm.types import AlignmentReport, Pair, PairGeometry, PairReport, Scene, View

NO_PAIR = "no pair with another image"
ONLY_TURNED = "seen only by turning on the spot: nothing tells how far away anything is"
NOT_HELD = "its pairs fix no place for it among the other photos"
PAIR_ONLY_TURNED = "the camera only turned: it tells no distance"
PAIR_ELSEWHERE = "one of its photos is not in this scene"
PAIR_DISAGREES = "its matches do not agree with where the other pairs put its photos"


def scene_of_component(
    component: Component,
    views: Sequence[View],
    init: Initialization,
    reasons: Mapping[Pair, str],
    config: VerificationConfig,
) -> Scene:
    """Without depth. `reasons`: why pairs were left out before."""
    repeated = find_repeated_structure(component, init.relative_poses, config.repeated_structure)
    proofs = view_proofs(component, views, init, config)
    verdict, why = scene_verdict(proofs, config)
    inside = tuple(views[member] for member in component.members)
    scales = list(component.scales.values())
    report = AlignmentReport(
        pairs=_pair_reports(component, init, {**reasons, **repeated}),
        bundle_adjustment=component.adjustment.text,
        robust_error_before_px=component.adjustment.error_before_px,
        robust_error_after_px=component.adjustment.error_after_px,
        repeated_structure=tuple(sorted(repeated)),
        stages=component.stages,
        proofs=proofs,
        verdict=verdict,
        verdict_reason=why,
        pair_unit=float(np.median(scales)) if scales else None,
    )
    depth, confidence = _unknown_depth(inside)
    return Scene(
        inside, component.cameras, component.cam_from_world, depth, confidence, component.tracks, report
    )


def _pair_reports(
    component: Component, init: Initialization, reasons: Mapping[Pair, str]
) -> tuple[PairReport, ...]:
    members = set(component.members)
    return tuple(
        PairReport(
            pair=summary.pair,
            used=summary.pair in component.scales,
            geometry=summary.geometry,
            num_correspondences=summary.num_correspondences,
            median_residual_px=component.residual_px.get(summary.pair),
            reason=None if summary.pair in component.scales else _why_unused(summary, members, reasons),
            scale=component.scales.get(summary.pair),
        )
        for summary in init.summaries
        if summary.pair.i in members or summary.pair.j in members
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


def reasons_of_dropped(
    views: Sequence[View], proved: Proved, init: Initialization, reasons: Mapping[Pair, str]
) -> dict[str, str]:
    """By name, why each view that is in no component is not: what verification said, or what most of its
    pairs suffered from."""
    placed = {member for component in proved.components for member in component.members}
    geometry = {summary.pair: summary.geometry for summary in init.summaries}
    out = {}
    for index, view in enumerate(views):
        if index in placed:
            continue
        mine = [summary.pair for summary in init.summaries if index in (summary.pair.i, summary.pair.j)]
        common = Counter(reasons[pair] for pair in mine if pair in reasons).most_common(1)
        if index in proved.lost:
            out[view.name] = proved.lost[index]
        elif not mine:
            out[view.name] = NO_PAIR
        elif common:
            out[view.name] = f"none of its {len(mine)} pairs could be used: {common[0][0]}"
        else:
            turning = all(geometry[pair] is PairGeometry.ROTATION_ONLY for pair in mine)
            out[view.name] = ONLY_TURNED if turning else NOT_HELD
    return out
