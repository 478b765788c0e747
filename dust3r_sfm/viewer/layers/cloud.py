"""The points of one side as viser has them: sent in chunks, and again only where what is shown changed."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from dust3r_sfm.viewer.layers.chosen_points import PointChoice, choose_points, color_points
from dust3r_sfm.viewer.layers.side import Side

if TYPE_CHECKING:
    from viser import PointCloudHandle, ViserServer


class CloudLayer:
    """Draws `Side.component.points`."""

    def __init__(self, server: "ViserServer", side: Side, chunk_points: int) -> None:
        self._server, self._side, self._chunk = server, side, chunk_points
        self._chunks: list[PointCloudHandle] = []
        self._choice: PointChoice | None = None
        self._rows = np.zeros(0, dtype=np.int64)

    @property
    def num_shown(self) -> int:
        return len(self._rows)

    def shown_points(self) -> Float[np.ndarray, "k 3"]:
        """What a click may mean, below the side's node."""
        return self._side.shown(self._side.component.points.xyz[self._rows])

    def draw(self, choice: PointChoice, point_size: float) -> None:
        """Shows what `choice` says."""
        if choice != self._choice:
            self._send(choice, point_size)
        for chunk in self._chunks:
            chunk.point_size = point_size

    def _send(self, choice: PointChoice, point_size: float) -> None:
        points = self._side.component.points
        depth_pose = self._side.component.photos[choice.depth_photo].cam_from_world
        rows = choose_points(points, choice)
        colors = color_points(points, rows, choice.shading, depth_pose)
        parts = range(0, len(rows), self._chunk)
        kept = len(parts)
        for number, start in enumerate(parts):
            part = slice(start, start + self._chunk)
            handle = self._server.scene.add_point_cloud(
                f"{self._side.node}/points/{number}",
                self._side.shown(points.xyz[rows[part]]),
                colors[part],
                point_size=point_size,
                point_shape="circle",
                point_shading="flat",
                precision="float32",
            )
            self._chunks[number : number + 1] = [handle]
        for handle in self._chunks[kept:]:
            handle.remove()
        del self._chunks[kept:]
        self._choice, self._rows = choice, rows
