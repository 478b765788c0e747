"""What clicks on points tell: the track of one, or how far two are apart."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.layers.alive import Alive
from dust3r_sfm.viewer.layers.cloud import CloudLayer
from dust3r_sfm.viewer.layers.lines import track_lines
from dust3r_sfm.viewer.layers.picking import pick_point
from dust3r_sfm.viewer.layers.side import Side
from dust3r_sfm.viewer.page.about import distance_text, track_table
from dust3r_sfm.viewer.page.controls import LOOK, MEASURE, TRACK, Controls
from dust3r_sfm.viewer.page.texts import text_html

if TYPE_CHECKING:
    from viser import SceneClickEvent, ViserServer

_MARKS = ("marks/first", "marks/second", "marks/line", "marks/track")
_MARK_COLOR, _LINE_COLOR = (220, 20, 120), (220, 20, 120)
_MARK_RADIUS, _LINE_PX = 0.008, 2.5
"""The radius is a share of the scene's."""
_Point = Float[np.ndarray, "3"]
_SAYS = {
    LOOK: "Click a camera to look through it.",
    TRACK: "Click a point: the photos that observe it are told, with their errors.",
    MEASURE: "Click two points.",
}


class Clicks:
    """Listens to clicks in the view where the panel says that they mean points."""

    def __init__(
        self,
        server: "ViserServer",
        side: Side,
        cloud: CloudLayer,
        controls: Controls,
        config: ViewerConfig,
        alive: Alive,
    ) -> None:
        self._server, self._side, self._cloud, self._config = server, side, cloud, config
        self._choice, self._told = controls.click, controls.clicked
        self._tracks = side.shown(side.component.tracks.xyz)
        self._first: _Point | None = None
        self._clicked = alive.guard(self._click)
        self._choice.on_update(alive.guard(lambda _: self._choose()))

    def _choose(self) -> None:
        self._clear()
        self._told.content = text_html(_SAYS[self._choice.value])
        scene = self._server.scene
        # Without a listener the view shows no cross, and a click on a camera is only that.
        scene.remove_click_callback(self._clicked)
        if self._choice.value != LOOK:
            scene.on_click()(self._clicked)

    def _clear(self) -> None:
        self._first = None
        for mark in _MARKS:
            node = f"{self._side.node}/{mark}"
            if self._server.scene.get_handle_by_name(node) is not None:
                self._server.scene.remove_by_name(node)

    def _click(self, event: "SceneClickEvent") -> None:
        measures = self._choice.value == MEASURE
        points = self._cloud.shown_points() if measures else self._tracks
        within = self._config.pick_share * 2 * float(np.tan(event.client.camera.fov / 2))
        ray = np.array(event.ray_origin), np.array(event.ray_direction)
        picked = pick_point(points, *ray, within, self._config.pick_front)
        if picked is None:
            self._told.content = text_html("No point there. " + _SAYS[self._choice.value])
        elif measures:
            self._measure(points[picked].astype(np.float64))
        else:
            self._show_track(picked)

    def _measure(self, point: _Point) -> None:
        first = self._first
        if first is None:
            self._clear()
            self._first = point
            self._mark(0, point)
            self._told.content = text_html("Click the second point.")
            return
        self._first = None
        self._mark(1, point)
        self._line(2, np.stack([first, point])[None], np.array(_LINE_COLOR, dtype=np.uint8))
        length = float(np.linalg.norm(point - first)) / self._side.scale
        self._told.content = text_html(f"Distance {distance_text(length, self._side.component.unit)}")

    def _show_track(self, picked: int) -> None:
        self._clear()
        rows, table = track_table(self._side.component, picked, self._config.most_listed)
        tracks, point = self._side.component.tracks, self._tracks[picked].astype(np.float64)
        centres = self._side.centres()[tracks.photo_index[rows]]
        lines, colors = track_lines(point, centres, tracks.errors_px[rows], self._config.residual_px)
        self._mark(0, point)
        if len(lines):
            self._line(3, lines, colors)
        self._told.content = text_html(f"Point {picked + 1}, {len(rows)} photos") + table

    def _mark(self, number: int, point: _Point) -> None:
        self._server.scene.add_icosphere(
            f"{self._side.node}/{_MARKS[number]}",
            radius=_MARK_RADIUS * self._config.radius,
            color=_MARK_COLOR,
            position=point,
            cast_shadow=False,
            receive_shadow=False,
        )

    def _line(self, number: int, lines: np.ndarray, colors: np.ndarray) -> None:
        self._server.scene.add_line_segments(
            f"{self._side.node}/{_MARKS[number]}", lines, colors, thickness=_LINE_PX, thickness_units="screen"
        )
