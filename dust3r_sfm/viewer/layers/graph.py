"""The pair graph of one side as lines between its cameras."""

from typing import TYPE_CHECKING

from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.layers.lines import pair_lines
from dust3r_sfm.viewer.layers.side import Side

if TYPE_CHECKING:
    from viser import LineSegmentsHandle, ViserServer

_LINE_PX = 1.5


class GraphLayer:
    """Lines of used pairs by their residual, and of rejected ones."""

    def __init__(self, server: "ViserServer", side: Side, config: ViewerConfig) -> None:
        self._server, self._side, self._config = server, side, config
        self._lines: dict[bool, LineSegmentsHandle] = {}

    def draw(self, used: bool, rejected: bool) -> None:
        """Each is sent when it is first wanted."""
        for kind, wanted in ((True, used), (False, rejected)):
            if wanted and kind not in self._lines:
                self._add(kind)
            if kind in self._lines:
                self._lines[kind].visible = wanted

    def _add(self, used: bool) -> None:
        pairs, centres = self._side.component.pairs, self._side.centres()
        lines, colors = pair_lines(pairs, centres, used, self._config.residual_px)
        if len(lines):
            node = f"{self._side.node}/{'used' if used else 'rejected'}_pairs"
            self._lines[used] = self._server.scene.add_line_segments(
                node, lines, colors, thickness=_LINE_PX, thickness_units="screen"
            )
