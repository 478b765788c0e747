"""Everything that report.html shows, from what the pipeline knows of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dust3r_sfm.exporters.config import ReportPageConfig
from dust3r_sfm.exporters.report_page.advice import advice_for
from dust3r_sfm.exporters.report_page.drawn_scene import DrawnScene
from dust3r_sfm.exporters.report_page.pair_columns import PairColumns, pair_columns
from dust3r_sfm.exporters.report_page.pictures import Pictures, take_pictures
from dust3r_sfm.types import Reconstruction, View


@dataclass(frozen=True)
class PageContent:
    """The page, as data."""

    report: Mapping[str, Any]
    """What report.json holds, but for its pairs: the page says the same."""
    pairs: PairColumns
    """The report's pairs."""
    scenes: tuple[DrawnScene, ...]
    """One for each of the report's scenes."""
    pictures: tuple[Pictures | None, ...]
    """One for each of the report's images; None where there is no photo, or no room for it."""
    advice: tuple[str | None, ...]
    """The same: what may help a photo that was left out."""


def page_content(
    report: Mapping[str, Any],
    reconstruction: Reconstruction,
    drawn: Sequence[DrawnScene],
    views: Sequence[View],
    config: ReportPageConfig,
) -> PageContent:
    """`report` is `report_json` of the reconstruction, `drawn` its scenes, and `views` all that were handed
    to alignment, with those that were left out."""
    images = report["images"]
    names = [image["name"] for image in images]
    placed = {view.name for scene in reconstruction.scenes for view in scene.views}
    pictures = take_pictures(reconstruction, [view for view in views if view.name not in placed], config)
    return PageContent(
        report={key: value for key, value in report.items() if key != "pairs"},
        pairs=pair_columns(report["pairs"], names, config.max_pairs),
        scenes=tuple(drawn),
        pictures=tuple(pictures.get(name) for name in names),
        advice=tuple(None if image["reason"] is None else advice_for(image["reason"]) for image in images),
    )
