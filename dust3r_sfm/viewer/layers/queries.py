"""Localized photos as cameras of their own colour."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.layers.cameras import camera_length, half_angles
from dust3r_sfm.viewer.layers.side import Side, wxyz_of
from dust3r_sfm.viewer.scene import ViewedPhoto, ViewedQuery
from dust3r_sfm.viewer.upright import shown_pose

if TYPE_CHECKING:
    from viser import CameraFrustumHandle, ViserServer

_COLOR = (130, 60, 180)
_LINE_PX = 2.0


class QueryLayer:
    """A camera for each that has a pose: its own, or, where only the pose is known, one like the first
    photo's."""

    def __init__(
        self, server: "ViserServer", side: Side, queries: Sequence[ViewedQuery], config: ViewerConfig
    ) -> None:
        self._frustums: list[CameraFrustumHandle] = []
        length = camera_length(side.centres(), config)
        for number, query in enumerate(queries[: config.most_frustums]):
            if query.cam_from_world is None:
                continue
            camera = query.camera or side.component.photos[0].camera
            half_width, half_height = half_angles(ViewedPhoto(query.name, camera, query.cam_from_world))
            rotation, centre = shown_pose(side.shown_from_world, query.cam_from_world)
            self._frustums.append(
                server.scene.add_camera_frustum(
                    f"{side.node}/queries/{number}",
                    fov=2 * float(np.arctan(half_height)),
                    aspect=half_width / half_height,
                    scale=length,
                    color=_COLOR,
                    thickness=_LINE_PX,
                    thickness_units="screen",
                    wxyz=wxyz_of(rotation),
                    position=centre,
                    variant="filled",
                    cast_shadow=False,
                    receive_shadow=False,
                )
            )

    def draw(self, visible: bool) -> None:
        for frustum in self._frustums:
            frustum.visible = visible
