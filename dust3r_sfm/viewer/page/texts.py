"""What data hold, as text in the panel. viser's Markdown renders HTML and embeds files that it names, so that
text goes in as HTML of our own with everything escaped: a name is never more than its characters."""

from collections.abc import Iterable, Sequence
from html import escape

from dust3r_sfm.io.photo_names import shown

_ROOM = "margin:0.3em 0.6em;font-size:0.82em;overflow-wrap:anywhere"
_CELL = "padding:0.1em 0.5em 0.1em 0;vertical-align:top;text-align:left"


def text_html(*lines: str) -> str:
    """A paragraph each."""
    return f'<div style="{_ROOM}">' + "".join(f"<div>{_safe(line)}</div>" for line in lines) + "</div>"


def table_html(head: Sequence[str], rows: Iterable[Sequence[str]], most: int) -> str:
    """With a line on how many rows there are beyond `most`."""
    listed = list(rows)
    body = "".join(_row("td", row) for row in listed[:most])
    more = f"<div>and {len(listed) - most} more</div>" if len(listed) > most else ""
    table = f'<table style="border-collapse:collapse">{_row("th", head)}{body}</table>'
    return f'<div style="{_ROOM};max-height:22em;overflow:auto">{table}{more}</div>'


def option_of(index: int, name: str) -> str:
    """What a photo is called in a list to choose from: different for each, whatever their names."""
    return f"{index + 1}: {shown(name)}"


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f'<{tag} style="{_CELL}">{_safe(cell)}</{tag}>' for cell in cells) + "</tr>"


def _safe(text: str) -> str:
    return escape(shown(text), quote=True)
