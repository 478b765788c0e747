"""Where things stand in made-up scenes. World: z up, metres."""

import numpy as np

from dust3r_sfm.geometry import rigid, rotation_from_vector
from dust3r_sfm.synthetic.rendering.lights import Vector
from dust3r_sfm.types import Rigid


def draw_seed(rng: np.random.Generator) -> int:
    """A seed for one material."""
    return int(rng.integers(1, 1 << 20))


def standing_frame(centre: Vector, turn_deg: float = 0.0) -> Rigid:
    """The frame of a thing that stands at `centre`, turned about the vertical."""
    return rigid(rotation_from_vector(np.array([0.0, 0.0, np.radians(turn_deg)])), np.array(centre))


def tilted_frame(centre: Vector, rotation_vector_deg: Vector) -> Rigid:
    """The frame of a thing at `centre` turned about any axis."""
    return rigid(rotation_from_vector(np.radians(np.array(rotation_vector_deg))), np.array(centre))


def facing_frame(centre: Vector, normal: Vector) -> Rigid:
    """A quad's frame: its z along `normal`; x horizontal and y up, where the normal is horizontal."""
    z = np.array(normal)
    x = np.array([1.0, 0.0, 0.0]) if abs(z[2]) > 0.5 else np.cross([0.0, 0.0, 1.0], z)
    return rigid(np.stack([x, np.cross(z, x), z], axis=-1), np.array(centre))
