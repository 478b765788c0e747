"""The page's content as one HTML file.

Data goes in as JSON, in a block that no browser runs and that no text can end; the page's own script puts it
into place as text. A content security policy forbids every request, and every script and style but ours.
"""

import base64
import hashlib
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from dust3r_sfm.exporters.report_page.content import PageContent
from dust3r_sfm.exporters.report_page.drawn_scene import DrawnScene
from dust3r_sfm.exporters.report_page.pictures import Pictures

_SCRIPTS = ("texts.js", "points.js", "orbit.js", "scene_view.js", "pair_graph.js", "charts.js", "sections.js")
"""In the order in which they need each other."""


def write_report_page(content: PageContent, path: Path) -> None:
    """Writes one UTF-8 file that needs no other and asks no network for anything."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page_html(content), encoding="utf-8")


def page_html(content: PageContent) -> str:
    """The whole file."""
    style = _asset("page.css")
    script = '"use strict";\n(() => {\n' + "\n".join(_asset(name) for name in _SCRIPTS) + "\n})();\n"
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    page = _asset("page.html")
    # The data last: it may hold anything, a placeholder too.
    for place, text in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script), ("DATA", _data(content))):
        page = page.replace(f"@{place}@", text)
    return page


def _asset(name: str) -> str:
    return (files("dust3r_sfm.exporters.report_page") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _data(content: PageContent) -> str:
    """As JSON in ASCII, in which no tag can begin or end."""
    values = {
        "report": content.report,
        "pairs": asdict(content.pairs),
        "scenes": [_scene(scene) for scene in content.scenes],
        "pictures": [None if pictures is None else _pictures(pictures) for pictures in content.pictures],
        "advice": content.advice,
    }
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _scene(scene: DrawnScene) -> dict[str, Any]:
    """Numbers little-endian in base64."""
    return {
        "points": _base64(scene.points.astype("<u2").tobytes()),
        "span": scene.span,
        "colors": _base64(scene.colors.tobytes()),
        "cloud_points": scene.cloud_points,
        "cameras": scene.cameras.reshape(-1, 15).round(4).tolist(),
        "error_edges": [float(f"{edge:.5g}") for edge in scene.errors.edges],
        "error_counts": scene.errors.counts,
    }


def _pictures(pictures: Pictures) -> dict[str, str | None]:
    return {
        kind: None if jpeg is None else f"data:image/jpeg;base64,{_base64(jpeg)}"
        for kind, jpeg in asdict(pictures).items()
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
