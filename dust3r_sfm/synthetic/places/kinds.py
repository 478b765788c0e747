"""The kinds of photo sets: for each, from a seed, a place and the cameras in it."""

from collections.abc import Callable
from dataclasses import dataclass

from dust3r_sfm.synthetic.places.around import (
    shoot_facade,
    shoot_low_texture_object,
    shoot_open_ground,
    shoot_relief_wall,
    shoot_room,
    shoot_room_walk,
    shoot_table_object,
)
from dust3r_sfm.synthetic.places.office_walk import shoot_office_walk
from dust3r_sfm.synthetic.places.shoot import Request, Shoot
from dust3r_sfm.synthetic.places.turning import shoot_pans, shoot_sideways_walk


@dataclass(frozen=True)
class Kind:
    """How a kind of set is made, and what it has unless told otherwise."""

    shoot: Callable[[Request], Shoot]
    count: int
    sets: int = 1


KINDS: dict[str, Kind] = {
    "room": Kind(shoot_room, 16),
    "room_walk": Kind(shoot_room_walk, 16),
    "table_object": Kind(shoot_table_object, 20),
    "relief_wall": Kind(shoot_relief_wall, 16),
    "facade": Kind(shoot_facade, 16),
    "open_ground": Kind(shoot_open_ground, 16),
    "low_texture_object": Kind(shoot_low_texture_object, 16),
    "pans": Kind(shoot_pans, 6, sets=30),
    "sideways_walk": Kind(shoot_sideways_walk, 8),
    "office_walk": Kind(shoot_office_walk, 200),
}
