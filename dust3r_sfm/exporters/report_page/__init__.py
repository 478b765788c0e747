"""report.html: what became of a run, for people, in one file that asks no network for anything."""

from typing import TYPE_CHECKING

from dust3r_sfm.lazy_names import lazy_names

if TYPE_CHECKING:
    from dust3r_sfm.exporters.report_page.content import PageContent, page_content
    from dust3r_sfm.exporters.report_page.drawn_scene import DrawnScene, draw_scene
    from dust3r_sfm.exporters.report_page.page import write_report_page

__all__ = ["DrawnScene", "PageContent", "draw_scene", "page_content", "write_report_page"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "DrawnScene": "drawn_scene",
        "PageContent": "content",
        "draw_scene": "drawn_scene",
        "page_content": "content",
        "write_report_page": "page",
    },
)
