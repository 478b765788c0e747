"""Looking through the camera of a photo, with the photo over what it sees. Each browser looks on its own."""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.layers.cameras import half_angles
from dust3r_sfm.viewer.layers.side import Side, wxyz_of
from dust3r_sfm.viewer.pictures import picture_of, pinhole_of, view_camera_of

if TYPE_CHECKING:
    from viser import ClientHandle

_OVERLAY = "/overlay"
_MARGIN = 1.03
"""How much more than the photo is seen."""


@dataclass(frozen=True)
class _Look:
    side: Side
    photo: int
    shift: tuple[float, float, float]
    """Where the side's node is."""
    picture: UInt8[np.ndarray, "h w 3"] | None


@dataclass(frozen=True)
class _View:
    """Where a browser looked from before it looked through a photo."""

    wxyz: np.ndarray
    position: np.ndarray
    up: np.ndarray
    fov: float


class Looking:
    """Who looks through which photo."""

    def __init__(self, config: ViewerConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._looks: dict[int, _Look] = {}
        self._before: dict[int, _View] = {}

    def look(
        self,
        client: "ClientHandle",
        side: Side,
        photo: int,
        shift: tuple[float, float, float],
        opacity: float,
    ) -> None:
        """Moves the browser's view to the camera, and lays its photo over, without cameras in the way.
        `shift`: where the side's node is."""
        picture = picture_of(side.component.photos[photo], self._config.picture_px)
        look = _Look(side, photo, shift, picture)
        camera = client.camera
        with self._lock:
            last = self._looks.get(client.client_id)
            if last is None:
                before = _View(camera.wxyz, camera.position, camera.up_direction, camera.fov)
                self._before[client.client_id] = before
            self._looks[client.client_id] = look
        if last is not None:
            _remove(client, last.side.cameras_node)
        # A node of the browser's own stands in the place of that which all browsers have.
        client.scene.add_frame(side.cameras_node, show_axes=False, visible=False)
        rotation, centre = side.pose(photo)
        with client.atomic():
            camera.position = centre + shift
            camera.up_direction = -rotation[:, 1]
            camera.wxyz = np.array(wxyz_of(rotation))
            camera.fov = _fov(side, photo, camera.aspect)
        self._overlay(client, look, opacity)

    def set_opacity(self, client: "ClientHandle", opacity: float) -> None:
        """Of the photo that this browser looks through, if any."""
        look = self._looks.get(client.client_id)
        if look is not None:
            self._overlay(client, look, opacity)

    def is_looking(self, client: "ClientHandle") -> bool:
        """Whether this browser looks through a photo."""
        return client.client_id in self._looks

    def leave(self, client: "ClientHandle") -> None:
        """Back to where the browser looked from before."""
        with self._lock:
            look, before = self._looks.pop(client.client_id, None), self._before.pop(client.client_id, None)
        if look is None or before is None:
            return
        _remove(client, _OVERLAY, look.side.cameras_node)
        with client.atomic():
            client.camera.position = before.position
            client.camera.up_direction = before.up
            client.camera.wxyz = before.wxyz
            client.camera.fov = before.fov

    def forget(self, client: "ClientHandle") -> None:
        """Of a browser that is gone."""
        with self._lock:
            self._looks.pop(client.client_id, None)
            self._before.pop(client.client_id, None)

    def _overlay(self, client: "ClientHandle", look: _Look, opacity: float) -> None:
        if look.picture is None or opacity <= 0:
            _remove(client, _OVERLAY)
            return
        photo = look.side.component.photos[look.photo]
        pinhole, distance = pinhole_of(photo.camera), self._config.overlay_distance
        rotation, centre = look.side.pose(look.photo)
        half_width, half_height = half_angles(photo)
        aside = (pinhole.width / 2 - pinhole.cx) / pinhole.fx, (pinhole.height / 2 - pinhole.cy) / pinhole.fy
        client.scene.add_image(
            _OVERLAY,
            _transparent(look.picture, opacity),
            render_width=2 * half_width * distance,
            render_height=2 * half_height * distance,
            format="png",
            wxyz=wxyz_of(rotation),
            position=centre + look.shift + rotation @ (distance * np.array([*aside, 1.0])),
            cast_shadow=False,
            receive_shadow=False,
        )


def _transparent(picture: UInt8[np.ndarray, "h w 3"], opacity: float) -> UInt8[np.ndarray, "h w 4"]:
    alpha = np.full_like(picture[..., :1], round(255 * min(opacity, 1.0)))
    return np.concatenate([picture, alpha], axis=-1)


def _remove(client: "ClientHandle", *nodes: str) -> None:
    for node in nodes:
        if client.scene.get_handle_by_name(node) is not None:
            client.scene.remove_by_name(node)


def _fov(side: Side, photo: int, aspect: float) -> float:
    """Upright angle of view, in radians, that holds all of the photo in a window of this aspect."""
    camera = view_camera_of(side.component.photos[photo])
    tangent = max(camera.height / camera.fy / 2, camera.width / camera.fx / 2 / aspect)
    return 2 * float(np.arctan(_MARGIN * tangent))
