"""Figures and reasons of what is shown, as texts for the panel."""

from collections.abc import Mapping, Sequence

import numpy as np

from dust3r_sfm.viewer.page.texts import table_html
from dust3r_sfm.viewer.scene import ViewedComponent, ViewedQuery, ViewedScene


def about_lines(scene: ViewedScene, component: ViewedComponent, compared: str | None) -> list[str]:
    """What is looked at."""
    lines = [scene.title] if compared is None else [f"{scene.title} (orange), {compared} (blue)"]
    lines.append(f"{len(component.photos)} photos, {len(component.points):,} points")
    if component.verdict:
        lines.append(component.verdict)
    return lines


def photo_lines(component: ViewedComponent, index: int) -> list[str]:
    """Of one photo."""
    photo, tracks = component.photos[index], component.tracks
    camera = photo.camera
    lines = [photo.name, f"{camera.width} x {camera.height} px, {camera.model}"]
    if camera.has_focals:
        lines.append(f"focal {camera.fx:.1f} px")
    errors_px = tracks.errors_px[tracks.photo_index == index]
    if len(errors_px):
        lines.append(f"observes {len(errors_px)} points, median error {np.median(errors_px):.2f} px")
    if photo.picture is None:
        lines.append("The photo itself was not found: name its folder with --images.")
    return lines


def track_table(component: ViewedComponent, point: int, most: int) -> tuple[np.ndarray, str]:
    """Rows of the track's observations, and who makes them."""
    tracks = component.tracks
    first, last = np.searchsorted(tracks.point_index, [point, point + 1])
    rows = np.arange(first, last)
    seen = [
        (component.photos[tracks.photo_index[row]].name, f"{tracks.errors_px[row]:.2f} px") for row in rows
    ]
    return rows, table_html(("seen by", "error"), seen, most)


def dropped_table(dropped: Mapping[str, str], most: int) -> str:
    return table_html(("photo", "left out because"), dropped.items(), most)


def query_table(queries: Sequence[ViewedQuery], most: int) -> str:
    rows = [(query.name, query.about if query.about else "placed") for query in queries]
    return table_html(("photo", ""), rows, most)


def distance_text(length: float, unit: str) -> str:
    """A length in world units."""
    return f"{length:.4g}" + (" m" if unit.startswith("metres") else f" (in {unit})")
