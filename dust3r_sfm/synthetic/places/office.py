"""Three office rooms on a corridor: bare walls, equal doors, desks that look alike, a few posters."""

import numpy as np

from dust3r_sfm.synthetic.places.furnishing import Wall, bookshelf
from dust3r_sfm.synthetic.places.garden import plant_pot
from dust3r_sfm.synthetic.places.office_things import desk, meeting_table
from dust3r_sfm.synthetic.placing import draw_seed, facing_frame, standing_frame
from dust3r_sfm.synthetic.rendering.indoor_materials import Faint, Poster
from dust3r_sfm.synthetic.rendering.lights import Lamps
from dust3r_sfm.synthetic.rendering.materials import Bricks, Glowing, Material, Planks, Terrazzo
from dust3r_sfm.synthetic.rendering.outdoor_materials import Landscape
from dust3r_sfm.synthetic.rendering.primitives import Box, Primitive, Quad
from dust3r_sfm.synthetic.scenes import PAINTINGS, PALETTES, SceneDescription

LENGTH_M, DEPTH_M, HEIGHT_M = 14.0, 7.0, 2.6
"""The whole floor is [0, LENGTH_M] x [0, DEPTH_M]."""
CORRIDOR_M, PARTITIONS_M = 2.0, (4.65, 9.35)
"""The corridor takes y up to `CORRIDOR_M`; the rooms beyond it are parted at these x."""
DOORS_M = (3.65, 8.05, 10.45)
"""Where, along x, the corridor's doors to the three rooms have their middles."""
INNER_DOOR_M = 5.85
"""Where, along y, the door between the first two rooms has its middle."""
DOOR_HALF_M, DOOR_TOP_M, WALL_HALF_M = 0.47, 2.05, 0.05


def office_scene(seed: int) -> SceneDescription:
    """The floor with its furniture; the light comes from two rows of lamps."""
    rng = np.random.default_rng(seed)
    places = tuple((x, y, HEIGHT_M - 0.12) for y in (1.0, 4.5) for x in (2.3, 7.0, 11.7))
    primitives = [
        *_shell(rng),
        *_inner_walls(rng),
        *_lamps(rng),
        *_windows(rng),
        *_on_walls(rng),
        *_furniture(rng, seed),
    ]
    return SceneDescription(tuple(primitives), (7.0, 1.0, 1.4), 180.0, Lamps(places, 2.3, 6.5))


def _shell(rng: np.random.Generator) -> list[Primitive]:
    half_x, half_y, mid = LENGTH_M / 2, DEPTH_M / 2, HEIGHT_M / 2
    paint = Faint(draw_seed(rng), (0.84, 0.83, 0.80), 0.05, 0.9)
    carpet = Terrazzo(draw_seed(rng), (0.38, 0.40, 0.43), ((0.34, 0.36, 0.40), (0.43, 0.45, 0.47)), 0.045)
    tiles = Bricks(draw_seed(rng), (0.84, 0.84, 0.83), (0.72, 0.72, 0.71), (0.6, 0.6), 0.0)
    return [
        Quad(facing_frame((half_x, half_y, 0.0), (0.0, 0.0, 1.0)), (half_x, half_y), carpet),
        Quad(facing_frame((half_x, half_y, HEIGHT_M), (0.0, 0.0, -1.0)), (half_x, half_y), tiles),
        Quad(facing_frame((0.0, half_y, mid), (1.0, 0.0, 0.0)), (half_y, mid), paint),
        Quad(facing_frame((LENGTH_M, half_y, mid), (-1.0, 0.0, 0.0)), (half_y, mid), paint),
        Quad(facing_frame((half_x, 0.0, mid), (0.0, 1.0, 0.0)), (half_x, mid), paint),
        Quad(facing_frame((half_x, DEPTH_M, mid), (0.0, -1.0, 0.0)), (half_x, mid), paint),
    ]


def _inner_walls(rng: np.random.Generator) -> list[Primitive]:
    paint = Faint(draw_seed(rng), (0.85, 0.84, 0.81), 0.05, 0.9)
    frame = Faint(draw_seed(rng), (0.56, 0.45, 0.34), 0.25, 0.2)
    rooms_middle = (CORRIDOR_M + DEPTH_M) / 2
    half = (DEPTH_M - CORRIDOR_M) / 2
    out = _wall_with_doors((0.0, CORRIDOR_M), LENGTH_M, 0.0, DOORS_M, paint, frame)
    out += _wall_with_doors((PARTITIONS_M[0], 0.0), DEPTH_M, 90.0, (INNER_DOOR_M,), paint, frame, CORRIDOR_M)
    out.append(
        Box(
            standing_frame((PARTITIONS_M[1], rooms_middle, HEIGHT_M / 2)),
            (WALL_HALF_M, half, HEIGHT_M / 2),
            paint,
        )
    )
    return out


def _wall_with_doors(
    start: tuple[float, float],
    end_m: float,
    turn_deg: float,
    doors_m: tuple[float, ...],
    paint: Material,
    frame: Material,
    begin_m: float = 0.0,
) -> list[Primitive]:
    """A wall from `begin_m` to `end_m` along x, or turned, from `start`, with frames in its openings."""
    along = np.array([np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))])

    def block(a: float, b: float, low: float, high: float, thick: float, material: Material) -> Box:
        x, y = np.array(start) + along * (a + b) / 2
        return Box(
            standing_frame((float(x), float(y), (low + high) / 2), turn_deg),
            ((b - a) / 2, thick, (high - low) / 2),
            material,
        )

    out: list[Primitive] = []
    edges = [begin_m, *(door + side * DOOR_HALF_M for door in doors_m for side in (-1, 1)), end_m]
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        out.append(block(a, b, 0.0, HEIGHT_M, WALL_HALF_M, paint))
    for a, b in zip(edges[1:-1:2], edges[2:-1:2], strict=True):
        out.append(block(a, b, DOOR_TOP_M, HEIGHT_M, WALL_HALF_M, paint))
        for left in (a - 0.01, b - 0.04):
            out.append(block(left, left + 0.05, 0.0, DOOR_TOP_M, WALL_HALF_M + 0.015, frame))
        out.append(block(a, b, DOOR_TOP_M - 0.04, DOOR_TOP_M + 0.03, WALL_HALF_M + 0.015, frame))
    return out


def _lamps(rng: np.random.Generator) -> list[Primitive]:
    glass = Glowing(Faint(draw_seed(rng), (0.97, 0.97, 0.95), 0.02, 0.5))
    return [
        Quad(facing_frame((x, y, HEIGHT_M - 0.004), (0.0, 0.0, -1.0)), (0.59, 0.14), glass)
        for y in (1.0, 4.5)
        for x in (2.3, 7.0, 11.7)
    ]


def _windows(rng: np.random.Generator) -> list[Primitive]:
    """Two bright panes a room in the outer wall: the first bare sky, the second with a view."""
    frame = Faint(draw_seed(rng), (0.80, 0.80, 0.80), 0.03)
    sky = Glowing(Faint(draw_seed(rng), (0.90, 0.94, 0.98), 0.03, 0.8))
    out: list[Primitive] = []
    for x in (1.3, 3.2, 6.0, 8.0, 10.7, 12.7):
        view = sky if x in (1.3, 8.0, 10.7) else Glowing(Landscape(draw_seed(rng), PAINTINGS[0], 1.3))
        out.append(Box(standing_frame((x, DEPTH_M - 0.015, 1.5)), (0.72, 0.015, 0.70), frame))
        for side in (-1, 1):
            out.append(
                Quad(
                    facing_frame((x + side * 0.35, DEPTH_M - 0.032, 1.5), (0.0, -1.0, 0.0)),
                    (0.32, 0.65),
                    view,
                )
            )
    return out


def _on_walls(rng: np.random.Generator) -> list[Primitive]:
    """Closed doors, all alike, and a few posters in the corridor; a white board, a calendar in the rooms."""
    leaf = Planks(draw_seed(rng), (0.60, 0.48, 0.36), 0.9, 2.6)
    board = Faint(draw_seed(rng), (0.93, 0.93, 0.93), 0.03, 0.6)
    out: list[Primitive] = [
        Box(standing_frame((x, 0.01, 1.02)), (0.45, 0.02, 1.02), leaf) for x in (1.6, 6.2, 12.4)
    ]
    out.append(Box(facing_frame((LENGTH_M - 0.01, 4.5, 1.5), (-1.0, 0.0, 0.0)), (1.1, 0.6, 0.015), board))
    hung = (
        ((4.1, 0.008, 1.55), (0.0, 1.0, 0.0)),
        ((9.6, 0.008, 1.5), (0.0, 1.0, 0.0)),
        ((5.9, CORRIDOR_M - 0.058, 1.55), (0.0, -1.0, 0.0)),
        ((1.4, CORRIDOR_M - 0.058, 1.5), (0.0, -1.0, 0.0)),
        ((12.3, CORRIDOR_M - 0.058, 1.55), (0.0, -1.0, 0.0)),
        ((0.008, 1.0, 1.5), (1.0, 0.0, 0.0)),
        ((PARTITIONS_M[0] - 0.058, 4.0, 1.6), (-1.0, 0.0, 0.0)),
        ((PARTITIONS_M[1] - 0.058, 4.4, 1.55), (-1.0, 0.0, 0.0)),
        ((PARTITIONS_M[1] + 0.058, 5.0, 1.55), (1.0, 0.0, 0.0)),
        ((6.2, CORRIDOR_M + 0.058, 1.55), (0.0, 1.0, 0.0)),
    )
    for index, (centre, normal) in enumerate(hung):
        half = (float(rng.uniform(0.22, 0.42)), float(rng.uniform(0.3, 0.45)))
        paper = ((0.92, 0.91, 0.88), (0.30, 0.36, 0.46), (0.90, 0.84, 0.70))[index % 3]
        sheet = Poster(draw_seed(rng), paper, PALETTES[index % 4], (2 * half[0], 2 * half[1]))
        out.append(Quad(facing_frame(centre, normal), half, sheet))
    return out


def _furniture(rng: np.random.Generator, seed: int) -> list[Primitive]:
    palette = PALETTES[seed % 4]
    first = Wall((0.0, 4.5), (1.0, 0.0), 2.4)
    second = Wall((PARTITIONS_M[0] + WALL_HALF_M, 3.6), (1.0, 0.0), 1.5)
    third = Wall((11.8, CORRIDOR_M + WALL_HALF_M), (0.0, 1.0), 2.0)
    return [
        *bookshelf(rng, first, 0.9, palette),
        *bookshelf(rng, second, 0.2, palette),
        *bookshelf(rng, third, 0.6, palette),
        *desk(rng, (1.2, 6.2), 180.0),
        *desk(rng, (0.75, 2.75), 90.0),
        *desk(rng, (5.9, 6.4), 180.0),
        *desk(rng, (8.2, 6.3), 180.0),
        *desk(rng, (8.7, 4.3), 270.0),
        *meeting_table(rng, (12.2, 5.2)),
        *plant_pot(rng, 4.2, 6.6),
        *plant_pot(rng, 9.8, 6.5),
        *plant_pot(rng, 13.6, 0.45),
    ]
