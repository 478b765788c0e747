"""What a scene is lit by, besides one lamp (which is only its position)."""

from dataclasses import dataclass

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Lamps:
    """Ceiling lamps at world positions; a point is lit by those within `reach_m`."""

    places: tuple[Vector, ...]
    strength: float = 1.7
    reach_m: float = 5.5


@dataclass(frozen=True)
class Sun:
    """A far light: the world direction `towards` it, of any length, and how strong it and the sky are."""

    towards: Vector
    strength: float = 1.15
    sky: float = 0.42


Light = Vector | Lamps | Sun
