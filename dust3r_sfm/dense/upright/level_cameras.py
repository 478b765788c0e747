"""Up by the cameras alone: people hold them level, so that the x axes are horizontal, however they look up or
down."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from dust3r_sfm.dense.upright.evidence import UpEvidence
from dust3r_sfm.geometry.robust import MAD_TO_STD, geman_mcclure
from dust3r_sfm.geometry.transforms import tangents
from dust3r_sfm.types import UpSource


@dataclass(frozen=True)
class LevelCamerasConfig:
    """What is expected of how photos are taken."""

    most_roll_deg: float = 15.0
    """A camera is level within this: of seven real sets of photos the worst roll is 11 degrees."""
    most_pitch_deg: float = 75.0
    """A camera that looks up or down more steeply tells no side of up."""
    least_level_share: float = 0.6
    """Of the cameras that must be level about one direction: fewer are held in any way."""
    roll_std_deg: float = 1.0
    """Least standard deviation of one camera's roll that is believed."""
    independent_views: int = 20
    """More photos than these count as so many: one hand, one lens and one car's mount tilt them alike."""
    pitch_std_deg: float = 15.0
    """How far the mean camera looks up or down, which decides where all cameras look the same way."""
    most_pitch_spread_deg: float = 25.0
    """Where it decides and pitches differ by a larger standard deviation, cameras turn over, or lie on their
    side, rather than looking up and down."""
    undecided_deg: float = 8.0
    """The pitch decides where up would be known less than this without it."""
    common_std_deg: float = 1.0
    """Tilt that all cameras have in common."""
    most_spread_down_deg: float = 20.0
    """Cameras that look down look along one direction within this."""
    down_std_deg: float = 4.0
    """How well their mean tells the vertical."""
    candidates: int = 300
    """Directions across two cameras' x axes that are tried, and as many cameras' own."""
    least_turn_deg: float = 10.0
    """Between two x axes for the direction across them to be tried."""
    steps: int = 30
    """Of the refinement of the best one."""


def up_from_cameras(
    cam_from_world: Float[np.ndarray, "n 4 4"], config: LevelCamerasConfig | None = None, seed: int = 0
) -> UpEvidence | str:
    """What the cameras tell of up, in the world's frame; or why they do not, in words, where they are held in
    all ways."""
    config = config or LevelCamerasConfig()
    axes = cam_from_world[:, :3, :3]
    up = _refine(_best_candidate(axes, config, seed), axes, config)
    level = _is_level(up, axes, config)
    if level.mean() < config.least_level_share:
        return _looking_down(axes, config) or (
            f"only {level.sum()} of {len(axes)} cameras are level about one direction"
        )
    return _level_evidence(up, axes[level], len(axes), config)


def _best_candidate(
    axes: Float[np.ndarray, "n 3 3"], config: LevelCamerasConfig, seed: int
) -> Float[np.ndarray, "3"]:
    """Of directions across two cameras' x axes, and of the cameras' own ups, the one about which most cameras
    are level, and rather one that they do not look along."""
    rng = np.random.default_rng(seed)
    x, y, z = np.moveaxis(axes, 1, 0)
    first, second = rng.integers(len(axes), size=(2, config.candidates))
    across = np.cross(x[first], x[second])
    across = across[np.linalg.norm(across, axis=1) > np.sin(np.radians(config.least_turn_deg))]
    own = -y[rng.permutation(len(axes))[: config.candidates]]
    tried = np.concatenate([across, -across, own])
    tried /= np.linalg.norm(tried, axis=1, keepdims=True)
    roll = np.degrees(np.arcsin(np.clip(tried @ x.T, -1.0, 1.0)))
    right_way = -tried @ y.T > np.cos(np.radians(config.most_pitch_deg))
    level = np.maximum(0.0, 1.0 - (roll / config.most_roll_deg) ** 2) * right_way
    pitch = np.degrees(np.arcsin(np.clip(tried @ z.T, -1.0, 1.0)))
    mean_pitch = (level * pitch).sum(axis=1) / np.maximum(level.sum(axis=1), np.finfo(float).tiny)
    # The pitch is one more observation beside those of the independent views.
    penalty = (mean_pitch / config.pitch_std_deg) ** 2 / config.independent_views
    return tried[int((level.mean(axis=1) - penalty).argmax())]


def _refine(
    up: Float[np.ndarray, "3"], axes: Float[np.ndarray, "n 3 3"], config: LevelCamerasConfig
) -> Float[np.ndarray, "3"]:
    """To the least robust sum of squared rolls and of the mean pitch."""
    x, y, z = np.moveaxis(axes, 1, 0)
    width = np.sin(np.radians(config.most_roll_deg / 2))
    for _ in range(config.steps):
        weight = geman_mcclure(x @ up / width) * (-y @ up > np.cos(np.radians(config.most_pitch_deg)))
        if not weight.any():
            break
        information = _information(up, x, z, weight, config)
        basis = tangents(up)
        mean_z = weight @ z / weight.sum()
        roll_std = _roll_std(x[weight > 0] @ up, config)
        share = min(1.0, config.independent_views / weight.sum())
        slope = share * basis @ (x.T @ (weight * (x @ up))) / roll_std**2
        slope += basis @ mean_z * (mean_z @ up) / np.radians(config.pitch_std_deg) ** 2
        step = -np.linalg.solve(information, slope)
        up = up + step @ basis
        up /= np.linalg.norm(up)
    return up


def _information(
    up: Float[np.ndarray, "3"],
    x: Float[np.ndarray, "n 3"],
    z: Float[np.ndarray, "n 3"],
    weight: Float[np.ndarray, " n"],
    config: LevelCamerasConfig,
    with_pitch: bool = True,
) -> Float[np.ndarray, "2 2"]:
    """Inverse covariance along `tangents(up)`."""
    across = x @ tangents(up).T
    share = min(1.0, config.independent_views / weight.sum())
    roll_std = _roll_std(x[weight > 0] @ up, config)
    information = share * (across * weight[:, None]).T @ across / roll_std**2
    if with_pitch:
        mean_z = tangents(up) @ (weight @ z / weight.sum())
        information += np.outer(mean_z, mean_z) / np.radians(config.pitch_std_deg) ** 2
    # A radian: beyond it nothing is linear, and what is less known is not known at all.
    return information + np.eye(2)


def _roll_std(sines: Float[np.ndarray, " n"], config: LevelCamerasConfig) -> float:
    return max(float(np.radians(config.roll_std_deg)), MAD_TO_STD * float(np.median(np.abs(sines))))


def _is_level(
    up: Float[np.ndarray, "3"], axes: Float[np.ndarray, "n 3 3"], config: LevelCamerasConfig
) -> Bool[np.ndarray, " n"]:
    roll = np.degrees(np.arcsin(np.clip(axes[:, 0] @ up, -1.0, 1.0)))
    right_way = -axes[:, 1] @ up > np.cos(np.radians(config.most_pitch_deg))
    return (np.abs(roll) < config.most_roll_deg) & right_way


def _level_evidence(
    up: Float[np.ndarray, "3"], axes: Float[np.ndarray, "n 3 3"], total: int, config: LevelCamerasConfig
) -> UpEvidence | str:
    ones = np.ones(len(axes))
    x, z = axes[:, 0], axes[:, 2]
    by_roll = np.linalg.inv(_information(up, x, z, ones, config, with_pitch=False))
    undecided = np.degrees(np.sqrt(np.linalg.eigvalsh(by_roll)[-1])) > config.undecided_deg
    pitch_spread = float(np.degrees(np.arcsin(np.clip(z @ up, -1.0, 1.0)).std()))
    if undecided and pitch_spread > config.most_pitch_spread_deg:
        return "the cameras turn over about one axis, or lie on their side: nothing tells which way is up"
    covariance = np.linalg.inv(_information(up, x, z, ones, config))
    covariance += np.radians(config.common_std_deg) ** 2 * np.eye(2)
    reason = f"{len(axes)} of {total} cameras are level"
    if undecided:
        reason += ", all of them facing one way: that they look neither up nor down is a guess"
    return UpEvidence(up, covariance, UpSource.CAMERAS, reason)


def _looking_down(axes: Float[np.ndarray, "n 3 3"], config: LevelCamerasConfig) -> UpEvidence | None:
    """Of cameras that are turned in all ways about the one direction they look along. Ceilings are rarely
    photographed like this, grounds often."""
    ahead = axes[:, 2].mean(axis=0)
    ahead /= max(float(np.linalg.norm(ahead)), np.finfo(float).tiny)
    apart = np.degrees(np.arccos(np.clip(axes[:, 2] @ ahead, -1.0, 1.0)))
    if float(np.median(apart)) > config.most_spread_down_deg:
        return None
    covariance = np.radians(config.down_std_deg) ** 2 * np.eye(2)
    reason = f"{len(axes)} cameras look along one direction, turned about it in all ways: down"
    return UpEvidence(-ahead, covariance, UpSource.LOOKING_DOWN, reason)
