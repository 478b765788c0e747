"""How well sky is found in a reconstruction of rendered photos, whose sky is known.

    python -m benchmarks.rendered_sets SETS --kinds open_ground --count 12
    dust3r-sfm reconstruct SETS/open_ground/images RUN
    python -m benchmarks.sky RUN --kind open_ground --count 12 [--seed 0] [--json FILE]

Truth is what the rays through pixel centres hit: nothing, and neither hills nor trees on the horizon, which
are infinitely far as well. A kind of set without sky has a precision of 1 if nothing is found.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool

from benchmarks.rendered_sets import photo_names
from dust3r_sfm.dense.sky import find_sky
from dust3r_sfm.geometry import invert_rigid
from dust3r_sfm.geometry.cameras import scale_camera
from dust3r_sfm.io.scene_file import load_scene
from dust3r_sfm.synthetic.places.kinds import KINDS
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.rendering.render import camera_rays, render_depth
from dust3r_sfm.synthetic.rendering.sky import Sky, sky_color
from dust3r_sfm.synthetic.rendering.vectors import rotate
from dust3r_sfm.types import Camera, Rigid, Scene


@dataclass(frozen=True)
class Options:
    run: tyro.conf.Positional[Path]
    """What `reconstruct` wrote."""
    kind: str
    """Of the set, see benchmarks.rendered_sets."""
    count: int
    """Photos of the set."""
    seed: int = 0
    """Of the set."""
    json: Path | None = None
    """Where the figures go as well."""


@dataclass(frozen=True)
class SkyScores:
    """Over the pixels of all photos that were placed."""

    precision: float
    """Share of what is found that is sky; 1 of nothing."""
    recall: float
    """Share of the sky that is found; 1 of none."""
    sky_share: float
    """Of all pixels, in truth."""
    found_pixels: int


def true_sky(shoot: Shoot, photo: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Of a photo brought to this width."""
    whole = shoot.rig.cameras[photo]
    camera, pose = scale_camera(whole, width / whole.width), shoot.rig.cam_from_world[photo]
    nothing = render_depth(shoot.scene, camera, pose).object_id < 0
    if shoot.scene.sky is None:
        return np.zeros_like(nothing)
    return nothing & _above_ridge(shoot.scene.sky, camera_directions(camera, pose)).reshape(nothing.shape)


def camera_directions(camera: Camera, pose: Rigid) -> torch.Tensor:
    """World directions through pixel centres."""
    rays = camera_rays(camera, slice(0, camera.height), slice(0, camera.width), 1)
    return rotate(torch.from_numpy(invert_rigid(pose)[:3, :3]), rays)


def _above_ridge(sky: Sky, directions: torch.Tensor) -> Bool[np.ndarray, " n"]:
    """Where the colour of hills and trees changes nothing."""
    black, white = (replace(sky, hills=(c, c, c), trees=(c, c, c)) for c in (0.0, 1.0))
    angle = 1e-3
    return (sky_color(black, directions, angle) == sky_color(white, directions, angle)).all(dim=0).numpy()


def score_sky(scene: Scene, shoot: Shoot) -> SkyScores:
    names = photo_names(len(shoot.rig.cameras))
    found = find_sky(scene)
    truth = [true_sky(shoot, names.index(view.name), view.size[0]) for view in scene.views]
    both = sum(int((f & t).sum()) for f, t in zip(found, truth, strict=True))
    told, there = sum(int(f.sum()) for f in found), sum(int(t.sum()) for t in truth)
    return SkyScores(
        precision=both / told if told else 1.0,
        recall=both / there if there else 1.0,
        sky_share=there / sum(t.size for t in truth),
        found_pixels=told,
    )


def main(options: Options) -> None:
    shoot = KINDS[options.kind].shoot(Request(options.seed, options.count))
    scores = asdict(score_sky(load_scene(options.run), shoot))
    print(", ".join(f"{key} {value:.4g}" for key, value in scores.items()))
    if options.json is not None:
        options.json.write_text(json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Options))
