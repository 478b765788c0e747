"""The size and place of the finished world: from positions of cameras, a distance, or a network's metres."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pycolmap
from jaxtyping import Float

from dust3r_sfm.alignment.georegistration import (
    GeoregistrationConfig,
    centres_of,
    georegister,
    leave_unplaced,
    scale_scene,
)
from dust3r_sfm.errors import InputError
from dust3r_sfm.io.text_files import add_once, numbered_lines
from dust3r_sfm.io.values import FARTHEST, coordinates, quoted
from dust3r_sfm.pipeline.known.config import KnownDistance, KnownWorld
from dust3r_sfm.regressors.protocol import PointmapRegressor
from dust3r_sfm.types import Scene, View

Place = Float[np.ndarray, "3"]
Positions = Mapping[str, Place]


Georegistration = Callable[[Scene], Scene]
"""A scene in the world that is known; as it is where the scene lacks what that takes, with the reason."""


def georegistration_of_views(
    known: KnownWorld, views: Sequence[View], regressor: PointmapRegressor, poses_given: int, seed: int
) -> Georegistration:
    """Raises InputError for what cannot place these views: before hours are spent on them."""
    given = [known.positions is not None, known.gps, known.distance is not None]
    if sum(given) > 1:
        raise InputError("positions, GPS and a distance exclude each other: give one of them")
    if any(given) and poses_given >= 2:
        raise InputError("the given poses fix the world: leave out positions, GPS and distance")
    if known.positions is not None:
        return _by_positions(read_positions(known.positions), "units of the positions", views, seed)
    if known.gps:
        return _by_gps(views, seed)
    if known.distance is not None:
        return _by_distance(known.distance, views)
    if regressor.metric and poses_given < 2:
        return lambda scene: _by_pair_unit(scene, regressor.name)
    return lambda scene: scene


def _by_gps(views: Sequence[View], seed: int) -> Georegistration:
    positions = gps_positions(views)
    level = [v.name for v in views if v.exif_position is not None and v.name not in positions]
    note = (
        f"{len(level)} of {len(views)} photos have no altitude, as {level[0]}, and do not count"
        if level
        else ""
    )
    unit = "metres east, north and up" + (f" ({note})" if note else "")
    return _by_positions(positions, unit, views, seed, note)


def _by_positions(
    positions: Positions, unit: str, views: Sequence[View], seed: int, note: str = ""
) -> Georegistration:
    config = GeoregistrationConfig()
    count = sum(view.name in positions for view in views)
    if count < config.min_positions:
        raise InputError(
            f"{count} of {len(views)} photos have a position, such as {views[0].name} would need: "
            f"{config.min_positions} are needed at least{f'; {note}' if note else ''}"
        )

    def place(scene: Scene) -> Scene:
        return georegister(scene, positions, unit, seed, config)

    return place


def _by_distance(known: KnownDistance, views: Sequence[View]) -> Georegistration:
    if not 1 / FARTHEST <= known.length <= FARTHEST:
        raise InputError(
            f"the distance is given as {known.length}: give a positive number, up to {FARTHEST:g}"
        )
    names = {view.name for view in views}
    lost = [name for name in (known.first, known.second) if name not in names]
    if lost or known.first == known.second:
        raise InputError(
            f"the distance is given between {known.first} and {known.second}: "
            f"{f'{lost[0]} is no photo that is used' if lost else 'name two photos'}"
        )

    def place(scene: Scene) -> Scene:
        centres = centres_of(scene)
        if known.first not in centres or known.second not in centres:
            return leave_unplaced(scene, f"{known.first} and {known.second} are not both in it")
        own = float(np.linalg.norm(centres[known.first] - centres[known.second]))
        text = f"that in which {known.first} and {known.second} are {known.length:g} apart"
        if own == 0:
            return leave_unplaced(scene, f"{known.first} and {known.second} are in one place")
        return scale_scene(scene, known.length / own, text)

    return place


def _by_pair_unit(scene: Scene, regressor: str) -> Scene:
    unit = scene.report.pair_unit
    return scene if not unit else scale_scene(scene, 1.0 / unit, f"metres, as {regressor} judges them")


def read_positions(file: Path) -> dict[str, Place]:
    """Lines `NAME X Y Z`; names may have blanks; blank lines and those that begin with # are passed over.
    Raises InputError for a file that is otherwise, or that has a photo in two places."""
    found: dict[str, Place] = {}
    for number, line in numbered_lines(file):
        name, *words = line.rsplit(maxsplit=3)
        try:
            place = coordinates(words)
        except ValueError as error:
            raise InputError(
                f"{file}, line {number}: {quoted(line)} is no position ({error}); write NAME X Y Z"
            ) from error
        add_once(found, name, place, f"{file}, line {number}", "position")
    return found


def gps_positions(views: Sequence[View]) -> dict[str, Float[np.ndarray, "3"]]:
    """Metres east, north and up of the first photo that has a position in its EXIF, with altitude; the others
    have none: a height that is taken for 0 would tilt and stretch the model."""
    known = {view.name: p for view in views if (p := view.exif_position) is not None and p[2] is not None}
    if not known:
        return {}
    places = east_north_up(np.array(list(known.values()), dtype=np.float64))
    return dict(zip(known, places, strict=True))


def east_north_up(geodetic: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Metres east, north and up of the first row; rows are latitude and longitude in degrees and height in
    metres, on the ellipsoid of GPS (WGS 84)."""
    return pycolmap.GPSTransform().ellipsoid_to_enu(geodetic, *geodetic[0])
