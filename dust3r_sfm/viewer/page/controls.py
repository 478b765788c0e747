"""The panel beside the view: what can be chosen, without what comes of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from dust3r_sfm.viewer.config import ViewerConfig
from dust3r_sfm.viewer.page.about import about_lines, dropped_table, query_table
from dust3r_sfm.viewer.page.texts import option_of, text_html
from dust3r_sfm.viewer.scene import ViewedComponent, ViewedScene

if TYPE_CHECKING:
    from viser import (
        GuiButtonHandle,
        GuiCheckboxHandle,
        GuiDropdownHandle,
        GuiHtmlHandle,
        GuiInputHandle,
        GuiSliderHandle,
        ViserServer,
    )

_Value = TypeVar("_Value")
LOOK, TRACK, MEASURE = "look through cameras", "show the track of a point", "measure a distance"
"""What a click in the view does."""
_SIZES, _SIZE_STEP = (0.1, 4.0), 0.1
_CONFIDENCE_STEP = 0.1
_OPACITY = 0.5


@dataclass(frozen=True)
class PointControls:
    """Of the cloud."""

    threshold: "GuiSliderHandle[float]"
    size: "GuiSliderHandle[float]"
    budget: "GuiSliderHandle[int]"
    shading: "GuiDropdownHandle[str]"
    shown: "GuiHtmlHandle"


@dataclass(frozen=True)
class CameraControls:
    """Of cameras and lines between them."""

    visible: "GuiCheckboxHandle"
    size: "GuiSliderHandle[float]"
    pairs: "GuiCheckboxHandle"
    rejected: "GuiCheckboxHandle"
    queries: "GuiCheckboxHandle | None"


@dataclass(frozen=True)
class PhotoControls:
    """Of one photo."""

    photo: "GuiDropdownHandle[str]"
    visible: "GuiCheckboxHandle"
    only: "GuiButtonHandle"
    every: "GuiButtonHandle"
    look: "GuiButtonHandle"
    back: "GuiButtonHandle"
    opacity: "GuiSliderHandle[float]"
    about: "GuiHtmlHandle"


@dataclass(frozen=True)
class Controls:
    """All of the panel."""

    component: "GuiDropdownHandle[str] | None"
    apart: "GuiSliderHandle[float] | None"
    click: "GuiDropdownHandle[str]"
    clicked: "GuiHtmlHandle"
    screenshot: "GuiButtonHandle"
    points: PointControls
    cameras: CameraControls
    photos: PhotoControls


def add_controls(
    server: "ViserServer", scene: ViewedScene, chosen: int, compared: str | None, config: ViewerConfig
) -> Controls:
    """`compared`: the title of the other result, where there is one."""
    gui, component = server.gui, scene.components[chosen]
    several = [_component_option(k, each) for k, each in enumerate(scene.components)]
    gui.add_html(text_html(*about_lines(scene, component, compared)))
    pick = gui.add_dropdown("Scene", several, initial_value=several[chosen]) if len(several) > 1 else None
    apart = None
    if compared is not None:
        apart = gui.add_slider("Apart", 0.0, 3.0, 0.05, 1.8, hint="0 lays one result over the other.")
    tabs = gui.add_tab_group()
    with tabs.add_tab("View"):
        points = _point_controls(server, component, config)
        cameras = _camera_controls(server, scene)
        screenshot = gui.add_button("Screenshot", hint="Saves what this browser shows as PNG.")
    with tabs.add_tab("Photos"):
        photos = _photo_controls(server, component)
    with tabs.add_tab("Click"):
        click = gui.add_dropdown("A click", (LOOK, TRACK, MEASURE))
        clicked = gui.add_html(text_html("Click a camera to look through it."))
    if scene.dropped or scene.queries:
        with tabs.add_tab("Lists"):
            if scene.dropped:
                gui.add_html(text_html(f"Left out: {len(scene.dropped)} photos"))
                gui.add_html(dropped_table(scene.dropped, config.most_listed))
            if scene.queries:
                gui.add_html(text_html(f"Localized: {_placed(scene)} of {len(scene.queries)} photos"))
                gui.add_html(query_table(scene.queries, config.most_listed))
    return Controls(pick, apart, click, clicked, screenshot, points, cameras, photos)


def assign(control: "GuiInputHandle[_Value]", value: _Value) -> None:
    """Sets what a control says, in all browsers."""
    control.value = value  # type: ignore[misc]  # viser's setter stands apart from its getter.


def _placed(scene: ViewedScene) -> int:
    return sum(query.cam_from_world is not None for query in scene.queries)


def _component_option(index: int, component: ViewedComponent) -> str:
    return f"{index + 1} ({len(component.photos)} photos)"


def _point_controls(server: "ViserServer", component: ViewedComponent, config: ViewerConfig) -> PointControls:
    gui, points = server.gui, component.points
    with gui.add_folder("Points"):
        low, high = confidence_range(component)
        start = min(config.start_points, max(len(points), 1))
        return PointControls(
            gui.add_slider(
                f"Least {points.confidence_is}", low, high, _CONFIDENCE_STEP, low,
                hint="Points that are trusted less are hidden.",
            ),
            gui.add_slider("Point size", *_SIZES, _SIZE_STEP, 1.0),
            gui.add_slider(
                "Most points", min(1000, start), max(len(points), 1), 1000, start,
                hint="An even share of all: fewer turn more smoothly.",
            ),
            gui.add_dropdown("Colours", ("photos", "depth", "confidence")),
            gui.add_html(""),
        )  # fmt: skip


def confidence_range(component: ViewedComponent) -> tuple[float, float]:
    """Between which a threshold tells points apart: all but the surest hundredth."""
    confidence = component.points.confidence
    if not len(confidence):
        return 1.0, 2.0
    low = round(float(np.floor(confidence.min() * 10) / 10), 1)
    high = float(np.ceil(np.percentile(confidence, 99)))
    return low, max(high, low + 1.0)


def _camera_controls(server: "ViserServer", scene: ViewedScene) -> CameraControls:
    gui = server.gui
    with gui.add_folder("Cameras"):
        return CameraControls(
            gui.add_checkbox("Show cameras", True),
            gui.add_slider("Camera size", *_SIZES, _SIZE_STEP, 1.0),
            gui.add_checkbox("Pairs", False, hint="Green fits, red misses by pixels."),
            gui.add_checkbox("Rejected pairs", False),
            gui.add_checkbox("Localized photos", True) if scene.queries else None,
        )


def _photo_controls(server: "ViserServer", component: ViewedComponent) -> PhotoControls:
    gui = server.gui
    options = [option_of(index, photo.name) for index, photo in enumerate(component.photos)]
    return PhotoControls(
        gui.add_dropdown("Photo", options),
        gui.add_checkbox("Show it", True, hint="Points that only hidden photos see are hidden too."),
        gui.add_button("Show only this photo"),
        gui.add_button("Show all photos"),
        gui.add_button("Look through it"),
        gui.add_button("Back"),
        gui.add_slider("Photo opacity", 0.0, 1.0, 0.05, _OPACITY),
        gui.add_html(""),
    )
