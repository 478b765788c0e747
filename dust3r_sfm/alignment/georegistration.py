"""A scene in a world whose size is known: from positions of its cameras, or from a distance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.geometry import invert_rigid, transform_points
from dust3r_sfm.geometry.procrustes import move_poses, umeyama
from dust3r_sfm.geometry.robust import kernel_weights
from dust3r_sfm.types import Scene, ViewProof


@dataclass(frozen=True)
class GeoregistrationConfig:
    """How a scene is brought to known positions of its cameras."""

    triples: int = 300
    """Random threes of positions, of which the similarity with the least median error is taken."""
    steps: int = 20
    """Of re-weighting after it."""
    min_positions: int = 3
    """Fewer tell no similarity."""
    max_error: float = 0.5
    """Of the median distance of the cameras from their middle. A position that is farther off does not fit;
    half of them must, and enough to tell a similarity. Receivers of phones (5 m) fit rigs of some tens of
    metres; where they are wrong by half of that, neither size nor turn mean anything."""
    flat: float = 1e-3
    """Second extent of the positions over the first, below which they stand on one line."""


def scale_scene(scene: Scene, factor: float, world: str) -> Scene:
    """The scene `factor` times as large, about the world's origin. `world` says what a unit is then."""
    return transform_scene(scene, np.diag([factor, factor, factor, 1.0]), world)


def transform_scene(scene: Scene, similarity: Float[np.ndarray, "4 4"], world: str) -> Scene:
    """The scene after its world was moved by [sR t; 0 1]."""
    poses, log_scale = move_poses(scene.cam_from_world, similarity)
    factor = float(np.exp(log_scale))
    return replace(
        scene,
        cam_from_world=poses,
        depth=tuple((factor * depth).astype(depth.dtype) for depth in scene.depth),
        tracks=replace(scene.tracks, xyz=transform_points(similarity, scene.tracks.xyz)),
        report=replace(
            scene.report, world=world, proofs=tuple(_scale_proof(p, factor) for p in scene.report.proofs)
        ),
    )


def _scale_proof(proof: ViewProof, factor: float) -> ViewProof:
    """What it says of lengths in a world `factor` times as large."""
    if proof.centre_std is None:
        return proof
    unit = np.repeat([1.0, factor], 3)
    covariance = np.reshape(proof.covariance, (6, 6)) * np.outer(unit, unit)
    return replace(proof, centre_std=factor * proof.centre_std, covariance=tuple(covariance.ravel().tolist()))


def centres_of(scene: Scene) -> dict[str, Float[np.ndarray, "3"]]:
    """World positions of the cameras, by photo name."""
    centres = invert_rigid(scene.cam_from_world)[:, :3, 3]
    return {view.name: centre for view, centre in zip(scene.views, centres, strict=True)}


def georegister(
    scene: Scene,
    positions: Mapping[str, Float[np.ndarray, "3"]],
    unit: str,
    seed: int,
    config: GeoregistrationConfig | None = None,
) -> Scene:
    """The scene where its cameras' `positions` (by photo name, in `unit`) put it, robustly; as it was, with
    the reason in `report.unplaced`, where fewer than three of its photos have one, these stand in one place,
    or they do not fit its cameras."""
    config = config or GeoregistrationConfig()
    centres = centres_of(scene)
    names = [name for name in centres if name in positions]
    if len(names) < config.min_positions:
        return leave_unplaced(
            scene, f"{len(names)} of its photos have a position, and {config.min_positions} are needed"
        )
    own, wanted = np.stack([centres[n] for n in names]), np.stack([positions[n] for n in names])
    extents = np.linalg.svd(wanted - wanted.mean(axis=0), compute_uv=False)
    if extents[0] == 0.0 or np.ptp(own, axis=0).max() == 0.0:
        return leave_unplaced(scene, "its cameras or their positions stand in one place")
    similarity = robust_similarity(own, wanted, seed, config)
    moved = transform_points(similarity, own)
    errors, reach = np.linalg.norm(moved - wanted, axis=1), _reach(moved)
    fitting = int((errors <= config.max_error * reach).sum())
    fit = f"median error {np.median(errors):.3g}; the cameras stand {reach:.3g} from their middle"
    # Of three positions a robust fit may take two, which tell no turn, and leave the third.
    if fitting < max(config.min_positions, len(names) / 2):
        return leave_unplaced(
            scene, f"of the positions of {len(names)} photos {fitting} fit its cameras ({fit}); check them"
        )
    world = f"{unit}, from the positions of {len(names)} photos ({fit})"
    if extents[1] < config.flat * extents[0]:
        world += "; these stand on one line, so that the turn about it is a guess"
    return transform_scene(scene, similarity, world)


def leave_unplaced(scene: Scene, reason: str) -> Scene:
    """The scene as it is, with the reason why it is not moved."""
    return replace(scene, report=replace(scene.report, unplaced=reason))


def _reach(points: Float[np.ndarray, "n 3"]) -> float:
    """Median distance from their middle."""
    return float(np.median(np.linalg.norm(points - np.median(points, axis=0), axis=1)))


def robust_similarity(
    points_a: Float[np.ndarray, "n 3"],
    points_b: Float[np.ndarray, "n 3"],
    seed: int,
    config: GeoregistrationConfig,
) -> Float[np.ndarray, "4 4"]:
    """b_from_a that most of three or more points agree on: of all of them and of random triples the one with
    the least median error (Rousseeuw 1984), then re-weighted (Geman-McClure).

    pycolmap's `estimate_sim3d_robust` would do, but gives up on points that lie in one plane with the origin,
    as cameras of a level orbit do, and asks for a bound of the error, which no two receivers share.
    """
    rng = np.random.default_rng(seed)
    triples = [rng.choice(len(points_a), 3, replace=False) for _ in range(config.triples)]
    choices = [np.arange(len(points_a)), *triples]
    found = [umeyama(points_a[rows], points_b[rows], np.ones(len(rows))) for rows in choices]
    best = min(found, key=lambda similarity: float(np.median(_errors(similarity, points_a, points_b))))
    floor = 1e-9 * float(np.ptp(points_b, axis=0).max())
    for _ in range(config.steps):
        # The second half of the kernel's steps: the start is good already.
        weights = kernel_weights(_errors(best, points_a, points_b), config.steps, config.steps, floor)
        best = umeyama(points_a, points_b, weights)
    return best


def _errors(
    similarity: Float[np.ndarray, "4 4"],
    points_a: Float[np.ndarray, "n 3"],
    points_b: Float[np.ndarray, "n 3"],
) -> Float[np.ndarray, " n"]:
    return np.linalg.norm(transform_points(similarity, points_a) - points_b, axis=1)
