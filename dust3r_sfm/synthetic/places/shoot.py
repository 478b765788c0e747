"""What is asked of a photo set, and what it is made from."""

from dataclasses import dataclass

from dust3r_sfm.synthetic.cameras import Rig
from dust3r_sfm.synthetic.scenes import SceneDescription


@dataclass(frozen=True)
class Request:
    """The seed of a set's place and cameras, how many photos it has, and their size in pixels."""

    seed: int
    count: int
    width: int = 640
    height: int = 480


@dataclass(frozen=True)
class Shoot:
    """A place and the cameras that photograph it."""

    scene: SceneDescription
    rig: Rig
