"""The fused depth that comes with a reconstruction.

    python -m benchmarks.dense_depth rendered --seeds 0 1 2 --json OUT
    python -m benchmarks.dense_depth consistency SET... --json OUT

rendered: against exact depth of rendered rooms, after one similarity between the camera centres.
consistency: of real photos with true poses (images/ and gt/), each view's depth against the others',
under the TRUE cameras.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from jaxtyping import Float

from benchmarks.depth_metrics import ConsistencyScores, DepthScores, score_consistency, score_depth
from dust3r_sfm import load_scene, reconstruct
from dust3r_sfm.evaluation import PosedCamera, read_posed_cameras
from dust3r_sfm.geometry import apply_affine
from dust3r_sfm.synthetic.example import write_example
from dust3r_sfm.synthetic.rendering.render import render_depth
from dust3r_sfm.synthetic.scenes import SceneDescription, room_scene
from dust3r_sfm.types import Camera, Scene, View


@dataclass(frozen=True)
class Rendered:
    """Against the exact depth of rendered rooms."""

    seeds: tuple[int, ...] = (0, 1, 2)
    """Which rooms."""
    count: int = 8
    """Photos of each."""
    width: int = 640
    """Of the photos, in pixels."""
    json: Path | None = None
    """Where to write the figures."""


@dataclass(frozen=True)
class Consistency:
    """Each view's depth against the others', under true cameras."""

    sets: tyro.conf.Positional[tuple[Path, ...]]
    """Folders with images/ and gt/."""
    scene: Path | None = None
    """The scene.npz of a reconstruction that is there already, for a single set."""
    json: Path | None = None
    """Where to write the figures."""


Command = (
    Annotated[Rendered, tyro.conf.subcommand("rendered")]
    | Annotated[Consistency, tyro.conf.subcommand("consistency")]
)


def main(command: Command) -> None:
    results: dict[str, DepthScores] | dict[str, ConsistencyScores]
    if isinstance(command, Rendered):
        results = {f"room {s}": measure_rendered(s, command.count, command.width) for s in command.seeds}
    else:
        results = {folder.resolve().name: measure_consistency(folder, command) for folder in command.sets}
    print(markdown({name: asdict(scores) for name, scores in results.items()}))
    if command.json is not None:
        figures = {name: asdict(scores) for name, scores in results.items()}
        written = {"dust3r-sfm": version("dust3r-sfm"), "sets": figures}
        command.json.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def measure_rendered(seed: int, count: int, width: int) -> DepthScores:
    with tempfile.TemporaryDirectory(prefix="benchmark_") as temporary:
        example = write_example(Path(temporary, "room"), count, width, width * 3 // 4, seed)
        scene = reconstruct(example.images)
        truth = read_posed_cameras(example.ground_truth)
    room = room_scene(seed)
    depths = {view.name: true_depth(room, view, truth[view.name]) for view in scene.views}
    return score_depth(scene, truth, depths)


def true_depth(room: SceneDescription, view: View, photo: PosedCamera) -> Float[np.ndarray, "h w"]:
    """At the centres of the view's pixels, which are larger than the file's. For unturned views."""
    scale = np.diag(view.pixel_from_original)[:2]
    fx, fy = scale * photo.camera.focals
    cx, cy = apply_affine(view.pixel_from_original, np.array(photo.camera.principal_point))
    camera = Camera.pinhole(*view.size, fx, fy, cx, cy)
    return render_depth(room, camera, photo.cam_from_world).depth


def measure_consistency(folder: Path, command: Consistency) -> ConsistencyScores:
    scene = _scene(folder, command)
    return score_consistency(scene, read_posed_cameras(folder / "gt"))


def _scene(folder: Path, command: Consistency) -> Scene:
    if command.scene is not None:
        return load_scene(command.scene)
    return reconstruct(folder / "images")


def markdown(results: Mapping[str, Mapping[str, float]]) -> str:
    columns = list(next(iter(results.values())))
    rows = [["set", *(column.replace("_", " ") for column in columns)], ["---"] * (len(columns) + 1)]
    rows += [[name, *(f"{scores[column]:.4g}" for column in columns)] for name, scores in results.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main(tyro.cli(Command, description=__doc__))
