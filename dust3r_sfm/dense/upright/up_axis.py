"""Which way is up in a scene's world: what tells, taken together."""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from dust3r_sfm.dense.choices import UpChoice
from dust3r_sfm.dense.upright.evidence import UpEvidence, combine
from dust3r_sfm.dense.upright.level_cameras import LevelCamerasConfig, up_from_cameras
from dust3r_sfm.dense.upright.vertical_edges import VerticalEdgesConfig, up_from_edges
from dust3r_sfm.progress import Progress
from dust3r_sfm.types import Scene, UpAxis, UpSource


@dataclass(frozen=True)
class UpAxisConfig:
    """What is asked."""

    cameras: LevelCamerasConfig = field(default_factory=LevelCamerasConfig)
    """How level cameras are."""
    edges: VerticalEdgesConfig | None = field(default_factory=VerticalEdgesConfig)
    """Which edges in photos are upright. None: they are not asked."""


def with_up(
    scene: Scene,
    choice: UpChoice,
    z_is_up: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Scene:
    """The scene with `report.up` as it was chosen; nothing is turned. `z_is_up`: the world's axes are east,
    north and up, which is believed where cameras and photos do not tell."""
    if choice == "none":
        up = UpAxis(reason="not wanted")
    elif choice == "auto":
        up = estimate_up(scene, None, seed, progress)
        if up.direction is None and z_is_up:
            up = UpAxis((0.0, 0.0, 1.0), UpSource.POSITIONS, None, "the world's axes are east, north and up")
    else:
        up = UpAxis(_axis(choice), UpSource.GIVEN, None, f"{choice} of the world was given")
    return replace(scene, report=replace(scene.report, up=up))


def estimate_up(
    scene: Scene, config: UpAxisConfig | None = None, seed: int = 0, progress: Progress | None = None
) -> UpAxis:
    """From the cameras, and near what they tell from the edges in their photos, each weighed by how sure it
    is. No direction where cameras are held in all ways."""
    config = config or UpAxisConfig()
    found = up_from_cameras(scene.cam_from_world, config.cameras, seed)
    if isinstance(found, str):
        return UpAxis(reason=found)
    if config.edges is not None:
        edges = up_from_edges(scene, found, config.edges, seed, progress)
        found = found if edges is None else combine(found, edges)
    return _axis_of_evidence(found)


def up_direction(scene: Scene) -> Float[np.ndarray, "3"] | None:
    """What the scene's report says, as an array; None where nothing tells."""
    direction = scene.report.up.direction
    return None if direction is None else np.array(direction)


def _axis_of_evidence(found: UpEvidence) -> UpAxis:
    x, y, z = found.direction.tolist()
    return UpAxis((x, y, z), found.source, found.std_deg, found.reason)


def _axis(choice: UpChoice) -> tuple[float, float, float]:
    """Unit vector of an axis with its sign, as "+z"."""
    values = [0.0, 0.0, 0.0]
    values["xyz".index(choice[1])] = -1.0 if choice[0] == "-" else 1.0
    x, y, z = values
    return x, y, z
