"""The cameras of one side: each with its photo, or, where there are many, all as one object."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.layers.alive import Alive
from dust3r_sfm.viewer.layers.side import Side, wxyz_of
from dust3r_sfm.viewer.pictures import picture_of, pinhole_of
from dust3r_sfm.viewer.scene import ViewedPhoto

if TYPE_CHECKING:
    from viser import CameraFrustumHandle, ViserServer

Color = tuple[int, int, int]
_FACES = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1], [1, 4, 3], [1, 3, 2]])
_EDGES = np.array([[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [2, 3], [3, 4], [4, 1]])
_PYRAMID = np.array([[0, 0, 0], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], dtype=float)
"""Centre and corners of an image that reaches 1 to each side at depth 1."""
_FACE_OPACITY = 0.25
_LINE_PX = 1.5


class CameraLayer:
    """Draws `Side.component.photos`; `clicked` is told which one was clicked by whom."""

    def __init__(
        self,
        server: "ViserServer",
        side: Side,
        color: Color,
        config: ViewerConfig,
        clicked: Callable[[Any, int], None],
    ) -> None:
        self._server, self._side, self._color, self._config = server, side, color, config
        self._clicked = clicked
        self._frustums: list[CameraFrustumHandle] = []
        self._drawn: tuple[frozenset[int], float, bool] | None = None
        self._length = camera_length(side.centres(), config)

    def draw(self, hidden: frozenset[int], size: float, visible: bool) -> None:
        """`size`: of cameras, in their usual one."""
        wanted = (hidden, size, visible)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        count = len(self._side.component.photos)
        if count > self._config.most_frustums:
            shown = [photo for photo in range(count) if visible and photo not in hidden]
            self._draw_together(shown, size * self._length)
            return
        if not self._frustums:
            self._frustums = [self._frustum(photo) for photo in range(count)]
        for photo, frustum in enumerate(self._frustums):
            frustum.scale = size * self._length
            frustum.visible = visible and photo not in hidden

    def add_photos(self, alive: Alive) -> None:
        """Into the cameras, one after another as long as they are shown: what takes time, and is not waited
        for. Many that are drawn together have none."""
        for number, frustum in enumerate(self._frustums):
            if alive.ended:
                return
            picture = picture_of(self._side.component.photos[number], self._config.thumbnail_px)
            if picture is not None:
                alive.guard(setattr)(frustum, "image", picture)

    def _frustum(self, number: int) -> "CameraFrustumHandle":
        photo = self._side.component.photos[number]
        half_width, half_height = half_angles(photo)
        rotation, centre = self._side.pose(number)
        frustum = self._server.scene.add_camera_frustum(
            f"{self._side.cameras_node}/{number}",
            fov=2 * float(np.arctan(half_height)),
            aspect=half_width / half_height,
            scale=self._length,
            color=self._color,
            thickness=_LINE_PX,
            thickness_units="screen",
            format="jpeg",
            wxyz=wxyz_of(rotation),
            position=centre,
            cast_shadow=False,
            receive_shadow=False,
        )
        frustum.on_click(lambda event: self._clicked(event.client, number))
        return frustum

    def _draw_together(self, shown: list[int], length: float) -> None:
        """Faces that can be clicked, and edges. Nodes of the same name replace each other."""
        faces, edges = (f"{self._side.cameras_node}/{part}" for part in ("faces", "edges"))
        if not shown:
            for node in (faces, edges):
                if self._server.scene.get_handle_by_name(node) is not None:
                    self._server.scene.remove_by_name(node)
            return
        poses = [self._side.pose(photo) for photo in shown]
        sizes = length * np.array([(*half_angles(self._side.component.photos[p]), 1.0) for p in shown])
        handle = self._server.scene.add_batched_meshes_simple(
            faces,
            _PYRAMID,
            _FACES,
            batched_wxyzs=np.array([wxyz_of(rotation) for rotation, _ in poses]),
            batched_positions=np.array([centre for _, centre in poses]),
            batched_scales=sizes,
            batched_colors=self._color,
            opacity=_FACE_OPACITY,
            lod="off",
            side="double",
            cast_shadow=False,
            receive_shadow=False,
        )
        handle.on_click(lambda event: self._clicked(event.client, shown[event.instance_index or 0]))
        corners = np.array(
            [
                (_PYRAMID * size) @ rotation.T + centre
                for size, (rotation, centre) in zip(sizes, poses, strict=True)
            ]
        )
        lines = corners[:, _EDGES].reshape(-1, 2, 3)
        self._server.scene.add_line_segments(
            edges, lines, self._color, thickness=_LINE_PX, thickness_units="screen"
        )


def half_angles(photo: ViewedPhoto) -> tuple[float, float]:
    """Tangents of half of what a camera sees across and up."""
    pinhole = pinhole_of(photo.camera)
    return pinhole.width / pinhole.fx / 2, pinhole.height / pinhole.fy / 2


def camera_length(centres: Float[np.ndarray, "c 3"], config: ViewerConfig) -> float:
    """How long a camera is drawn, in the page's lengths."""
    least, most = config.camera_sizes
    if len(centres) < 2:
        return most
    distances, _ = cKDTree(centres).query(centres, k=2)
    return float(np.clip(config.camera_gap * np.median(distances[:, 1]), least, most))
