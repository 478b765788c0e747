"""How far what a run takes for up is from the truth.

    python -m benchmarks.up_axis RUN --truth shared/data/strecha_fountain_p11/gt --up 0 0 -1 [--json FILE]

RUN is a folder that `reconstruct` wrote, or its scene.npz; `--truth` a folder with a COLMAP model of its
photos, in whose world `--up` is up. The run's world is turned onto that of the truth by the rotations of all
photos. One line says what the cameras alone tell, what the edges in photos do, and both together.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from dust3r_sfm.dense.upright import estimate_up, up_from_cameras
from dust3r_sfm.dense.upright.evidence import UpEvidence
from dust3r_sfm.dense.upright.vertical_edges import up_from_edges
from dust3r_sfm.evaluation import read_posed_cameras
from dust3r_sfm.io.scene_file import load_scene
from dust3r_sfm.types import Scene


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """What `reconstruct` wrote."""
    truth: Path
    """A COLMAP model of the same photos, in a world whose up is known."""
    up: tuple[float, float, float]
    """What is up there."""
    json: Path | None = None
    """Where the figures go as well."""


@dataclass(frozen=True)
class UpErrors:
    """Degrees between what was found and the truth; None where nothing was."""

    cameras_deg: float | None
    edges_deg: float | None
    both_deg: float | None
    std_deg: float | None
    mean_y_deg: float
    """Of the mean of the cameras' own ups, which was taken before."""
    source: str | None


def true_up(scene: Scene, truth: Path, up: tuple[float, float, float]) -> Float[np.ndarray, "3"]:
    """In the scene's world."""
    known = read_posed_cameras(truth)
    shared = [index for index, view in enumerate(scene.views) if view.name in known]
    found = scene.cam_from_world[shared, :3, :3]
    true = np.stack([known[scene.views[index].name].cam_from_world[:3, :3] for index in shared])
    turn = Rotation.from_matrix(np.swapaxes(found, 1, 2) @ true).mean().as_matrix()
    return turn @ np.array(up) / np.linalg.norm(up)


def score_up(scene: Scene, truth: Float[np.ndarray, "3"]) -> UpErrors:
    cameras = up_from_cameras(scene.cam_from_world)
    edges = up_from_edges(scene, cameras) if isinstance(cameras, UpEvidence) else None
    both = estimate_up(scene)
    return UpErrors(
        cameras_deg=degrees_between(cameras.direction, truth) if isinstance(cameras, UpEvidence) else None,
        edges_deg=None if edges is None else degrees_between(edges.direction, truth),
        both_deg=None if both.direction is None else degrees_between(np.array(both.direction), truth),
        std_deg=both.std_deg,
        mean_y_deg=degrees_between(-scene.cam_from_world[:, 1, :3].mean(axis=0), truth),
        source=None if both.source is None else both.source.value,
    )


def degrees_between(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def main(options: Options) -> None:
    scene = load_scene(options.run)
    errors = asdict(score_up(scene, true_up(scene, options.truth, options.up)))
    print(", ".join(f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in errors.items()))
    if options.json is not None:
        options.json.write_text(json.dumps(errors, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options))
