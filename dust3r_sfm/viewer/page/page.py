"""One scene in the page: what is drawn, the panel, and what each choice in it does."""

import threading
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from jaxtyping import Float

from dust3r_sfm.viewer.comparison import similarity_by_photos
from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.layers.alive import Alive
from dust3r_sfm.viewer.layers.cameras import CameraLayer
from dust3r_sfm.viewer.layers.chosen_points import PointChoice, Shading
from dust3r_sfm.viewer.layers.cloud import CloudLayer
from dust3r_sfm.viewer.layers.graph import GraphLayer
from dust3r_sfm.viewer.layers.queries import QueryLayer
from dust3r_sfm.viewer.layers.side import Side
from dust3r_sfm.viewer.page.about import photo_lines
from dust3r_sfm.viewer.page.clicks import Clicks
from dust3r_sfm.viewer.page.controls import Controls, add_controls, assign
from dust3r_sfm.viewer.page.latest import Latest
from dust3r_sfm.viewer.page.looking import Looking
from dust3r_sfm.viewer.page.screenshot import send_screenshot
from dust3r_sfm.viewer.page.texts import text_html
from dust3r_sfm.viewer.scene import ViewedComponent, ViewedScene
from dust3r_sfm.viewer.upright import shown_from_world

if TYPE_CHECKING:
    from viser import ClientHandle, GuiEvent, GuiInputHandle, ViserServer

_COLORS = ((235, 110, 30), (40, 110, 210))
"""Of the cameras of either result: orange and blue."""


class Page:
    """Draws a component of `scene`, and that of `other` it is compared with, into an empty server."""

    def __init__(
        self,
        server: "ViserServer",
        scene: ViewedScene,
        other: ViewedScene | None,
        chosen: int,
        config: ViewerConfig,
    ) -> None:
        self._server, self._config = server, config
        self.sides = _sides(scene, other, chosen, config)
        self._alive = Alive()
        self._hidden: frozenset[int] = frozenset()
        self._looking = Looking(config)
        self._frames = [server.scene.add_frame(side.node, show_axes=False) for side in self.sides]
        self._clouds = [CloudLayer(server, side, config.chunk_points) for side in self.sides]
        self._cameras = [
            CameraLayer(server, side, color, config, self._clicker(side))
            for side, color in zip(self.sides, _COLORS, strict=False)
        ]
        self._graph = GraphLayer(server, self.sides[0], config)
        self._queries = QueryLayer(server, self.sides[0], scene.queries if chosen == 0 else (), config)
        compared = None if other is None else other.title
        self.controls = add_controls(server, scene, chosen, compared, config)
        self._clicks = Clicks(server, self.sides[0], self._clouds[0], self.controls, config, self._alive)
        self._drawing = Latest(self._alive.guard(self._draw))
        self._connect(self.controls)
        self._place_initial_camera()
        self._drawing.ask()
        self._tell_of_photo()
        for layer in self._cameras:
            threading.Thread(target=layer.add_photos, args=(self._alive,), daemon=True).start()

    def end(self) -> None:
        """Nothing of the page does anything from here on."""
        self._alive.end()

    def forget(self, client: "ClientHandle") -> None:
        """Of a browser that is gone."""
        self._looking.forget(client)

    def _clicker(self, side: Side) -> Any:
        return self._alive.guard(lambda client, photo: self._click_camera(client, side, photo))

    def _click_camera(self, client: "ClientHandle", side: Side, photo: int) -> None:
        if side is self.sides[0]:
            photos = self.controls.photos.photo
            assign(photos, photos.options[photo])
        self._looking.look(client, side, photo, self._shift(side), self.controls.photos.opacity.value)

    def _shift(self, side: Side) -> tuple[float, float, float]:
        apart = self.controls.apart
        if apart is None or side is self.sides[0]:
            return (0.0, 0.0, 0.0)
        return (apart.value * self._config.radius, 0.0, 0.0)

    def _connect(self, controls: Controls) -> None:
        points, cameras, photos, guard = controls.points, controls.cameras, controls.photos, self._alive.guard
        redrawn: list[GuiInputHandle[Any]] = [points.threshold, points.size, points.budget, points.shading]
        redrawn += [cameras.visible, cameras.size, cameras.pairs, cameras.rejected]
        redrawn += [each for each in (cameras.queries, controls.apart) if each is not None]
        for control in redrawn:
            control.on_update(lambda _: self._drawing.ask())
        photos.photo.on_update(guard(lambda event: self._choose_photo(event.client)))
        photos.visible.on_update(guard(lambda event: self._show_photo(event.target.value)))
        photos.only.on_click(guard(lambda _: self._hide(self._all() - {self.chosen_photo()})))
        photos.every.on_click(guard(lambda _: self._hide(frozenset())))
        photos.look.on_click(guard(self._look))
        photos.back.on_click(guard(lambda event: self._looking.leave(by(event))))
        photos.opacity.on_update(guard(lambda event: self._set_opacity(event.target.value)))
        controls.screenshot.on_click(lambda event: send_screenshot(by(event), self._config.render_s))

    def _look(self, event: "GuiEvent[Any]") -> None:
        self._click_camera(by(event), self.sides[0], self.chosen_photo())

    def _all(self) -> frozenset[int]:
        return frozenset(range(len(self.sides[0].component.photos)))

    def chosen_photo(self) -> int:
        """Index of the photo that the panel is about."""
        return self.controls.photos.photo.options.index(self.controls.photos.photo.value)

    def _choose_photo(self, client: "ClientHandle | None") -> None:
        """`client`: who chose it; None where a click on a camera did."""
        self._tell_of_photo()
        if client is not None and self._looking.is_looking(client):
            self._click_camera(client, self.sides[0], self.chosen_photo())
        if self.controls.points.shading.value == "depth":
            self._drawing.ask()

    def _tell_of_photo(self) -> None:
        chosen = self.chosen_photo()
        assign(self.controls.photos.visible, chosen not in self._hidden)
        self.controls.photos.about.content = text_html(*photo_lines(self.sides[0].component, chosen))

    def _show_photo(self, visible: bool) -> None:
        chosen = frozenset({self.chosen_photo()})
        self._hide(self._hidden - chosen if visible else self._hidden | chosen)

    def _hide(self, hidden: frozenset[int]) -> None:
        if hidden == self._hidden:
            return
        self._hidden = hidden
        assign(self.controls.photos.visible, self.chosen_photo() not in hidden)
        self._drawing.ask()

    def _set_opacity(self, opacity: float) -> None:
        for client in self._server.get_clients().values():
            self._looking.set_opacity(client, opacity)

    def _draw(self) -> None:
        controls, config = self.controls, self._config
        points, cameras = controls.points, controls.cameras
        layers = zip(self.sides, self._frames, self._clouds, self._cameras, strict=True)
        for side, frame, cloud, layer in layers:
            first = side is self.sides[0]
            choice = PointChoice(
                points.threshold.value,
                self._hidden if first else frozenset(),
                int(points.budget.value),
                cast(Shading, points.shading.value),
                self.chosen_photo() if first and points.shading.value == "depth" else 0,
            )
            frame.position = self._shift(side)
            cloud.draw(choice, points.size.value * config.point_size)
            layer.draw(choice.hidden, cameras.size.value, cameras.visible.value)
        self._graph.draw(cameras.pairs.value, cameras.rejected.value)
        self._queries.draw(cameras.queries is not None and cameras.queries.value)
        shown = self._clouds[0].num_shown
        points.shown.content = text_html(f"{shown:,} of {len(self.sides[0].component.points):,} points shown")

    def _place_initial_camera(self) -> None:
        camera, radius = self._server.initial_camera, self._config.radius
        # A little aside: the panel covers the right of the window.
        middle = np.array([0.5 * self._shift(self.sides[-1])[0] + 0.2 * radius, 0.0, 0.0])
        camera.look_at = middle - [0.0, 0.0, 0.15 * radius]
        camera.position = middle + _away(self.sides[0].centres(), radius, len(self.sides))
        camera.up = (0.0, 0.0, 1.0)
        for client in self._server.get_clients().values():
            client.camera.position, client.camera.look_at = camera.position, camera.look_at
            client.camera.up_direction = np.array([0.0, 0.0, 1.0])


def by(event: "GuiEvent[Any]") -> "ClientHandle":
    """The browser in which a button was pressed."""
    assert event.client is not None, "buttons are pressed in browsers alone"
    return event.client


def _away(centres: Float[np.ndarray, "c 3"], radius: float, sides: int) -> Float[np.ndarray, "3"]:
    """Behind the cameras and above them, as most photos look along y; farther away of two results."""
    behind = np.clip(0.5 * radius - float(np.median(centres[:, 1])), radius, 2.5 * radius)
    return (1 + 0.5 * (sides - 1)) * np.array([0.25 * radius, -behind, 0.45 * radius])


def _sides(
    scene: ViewedScene, other: ViewedScene | None, chosen: int, config: ViewerConfig
) -> tuple[Side, ...]:
    component = scene.components[chosen]
    points = component.points.xyz.astype(np.float64)
    shown = shown_from_world(component.cam_from_world, points, config.radius, component.up)
    first = Side(component, shown, "/first")
    if other is None:
        return (first,)
    partner = _partner(component, other)
    moved = shown @ similarity_by_photos(component, partner, other.title)
    return first, Side(partner, moved, "/second")


def _partner(component: ViewedComponent, other: ViewedScene) -> ViewedComponent:
    """The one that shares most photos."""
    names = {photo.name for photo in component.photos}
    return max(other.components, key=lambda each: sum(photo.name in names for photo in each.photos))
