"""What `mkdocs build` adds to the pages: the command line's help, a page for each package, formulas as MathML
and diagrams as SVG, so that a reader's browser needs nothing from elsewhere.

mkdocs calls the functions named `on_...`; mkdocs.yml names this file.
"""

import contextlib
import html
import inspect
import io
import os
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import mermaidx
import tyro
from dust3r_sfm_nerfstudio.command import DESCRIPTION, ProcessDust3r
from dust3r_sfm_nerfstudio.standalone import main as process_dust3r
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import dust3r_sfm
from dust3r_sfm.cli.options import Command, parse

PACKAGE = Path(dust3r_sfm.__file__).parent
NOT_API = {"cli", "demo"}
"""Packages that are used as commands, not from Python."""
HELP_COLUMNS = "88"
"""Width of the help in characters: what the page's code blocks hold without scrolling."""
MATH_FONT = "STIXTwoMath-Regular.ttf"
"""Comes with ziamath, of which nothing else is used. SIL Open Font License; assets/site.css names it."""
THIN_SPACE = '<mspace width="0.17em" />'

_LINK_OUT = re.compile(r"\[([^\]]+)\]\(\.\./[^)]+\)")
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MATH = re.compile(r'<(span|div) class="arithmatex">(?:\\\(|\\\[)(.*?)(?:\\\)|\\\])</\1>', re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Hangs the generated pages under Reference."""
    for section in config.nav or []:
        if "Reference" in section:
            section["Reference"] += [
                {"Command line": "reference/cli.md"},
                {"Python": ["reference/api/index.md", *(_api_path(name) for name in _api_pages())]},
            ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages, and the font for formulas: few machines have one."""
    files.append(File.generated(config, "reference/cli.md", content=_cli_page()))
    font = distribution("ziamath").locate_file(f"ziamath/fonts/{MATH_FONT}")
    files.append(File.generated(config, f"assets/{MATH_FONT}", abs_src_path=str(font)))
    files.append(File.generated(config, "reference/api/index.md", content=_public_names_page()))
    for name, modules in _api_pages().items():
        files.append(File.generated(config, _api_path(name), content=_api_page(name, modules)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Draws diagrams. Of links to files of the repository that are not pages only the text is kept: they work
    where the page is read in the repository, and the site has no copy of these files."""
    if page.file.src_uri.count("/") == 0:
        markdown = _LINK_OUT.sub(r"\1", markdown)
    count = iter(range(1, markdown.count("```mermaid") + 1))
    return _MERMAID.sub(lambda found: _diagram(found[1], f"diagram-{next(count)}"), markdown)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas become MathML."""
    return _MATH.sub(lambda found: _mathml(html.unescape(found[2]), found[1] == "div"), content)


def _mathml(latex: str, block: bool) -> str:
    mathml = convert(latex, display="block" if block else "inline")
    # The converter passes on what it does not know.
    if "\\" in mathml:
        raise PluginError(f"a formula holds what latex2mathml cannot convert: {latex}")
    # Browsers set no space between log and what stands beside it.
    mathml = re.sub(r"(<mi>[a-z]{2,}</mi>)(?!<mo)", rf"\1{THIN_SPACE}", mathml)
    return re.sub(r"(</(?:mi|mn|msup|msub|msubsup)>)(<mi>[a-z]{2,}</mi>)", rf"\1{THIN_SPACE}\2", mathml)


def _diagram(source: str, identifier: str) -> str:
    svg = mermaidx.render(source).svg().replace("my-svg", identifier)
    # In one line: Markdown leaves HTML alone up to the next empty line.
    return f'<div class="diagram">{" ".join(svg.split())}</div>'


def _cli_page() -> str:
    """The help of every command, as the terminal shows it."""
    parts = [
        "# Command line",
        "What `--help` says of each command.",
        "## dust3r-sfm",
        _help(lambda: parse(["--help"])),
    ]
    for name in _commands():
        parts += [f"## dust3r-sfm {name}", _help(lambda name=name: parse([name, "--help"]))]

    def as_in_nerfstudio() -> None:
        # nerfstudio itself need not be installed: its command is this dataclass under another name.
        tyro.cli(ProcessDust3r, prog="ns-process-data dust3r", description=DESCRIPTION, args=["--help"])

    parts += ["## ns-process-data dust3r", _help(as_in_nerfstudio)]
    parts += ["## ns-process-dust3r", _help(lambda: process_dust3r(["--help"]))]
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[str]:
    """Names of the subcommands, as tyro has them in the union's annotations."""
    for member in Command.__args__:
        yield member.__metadata__[0].name


def _help(ask: Callable[[], object]) -> str:
    text = io.StringIO()
    os.environ["COLUMNS"] = HELP_COLUMNS
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        ask()
    return f"```text\n{text.getvalue().rstrip()}\n```"


def _api_pages() -> dict[str, list[str]]:
    """Pages by dotted name below dust3r_sfm: a package with its modules, or a module that stands alone."""
    pages: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in NOT_API or parts == ("__init__",) or "__main__" in parts:
            continue
        if parts[-1] == "__init__":
            pages.setdefault(".".join(parts[:-1]), [])
        elif len(parts) == 1:
            pages[parts[0]] = []
        else:
            pages.setdefault(".".join(parts[:-1]), []).append(parts[-1])
    return dict(sorted(pages.items()))


def _api_path(name: str) -> str:
    return f"reference/api/{name}.md"


def _api_page(name: str, modules: list[str]) -> str:
    whole = f"dust3r_sfm.{name}"
    parts = [f"# {name}"]
    if modules:
        exported = _exported(whole)
        own = [name for name, value in exported.items() if getattr(value, "__module__", None) == whole]
        parts.append(f"::: {whole}\n    options:\n      members: {own or 'false'}")
        if exported:
            names = ", ".join(_link(name, value) for name, value in exported.items())
            parts.append(f"`from {whole} import ...` gives {names}.")
        parts += [text for module in modules for text in (f"## {module}", f"::: {whole}.{module}")]
    else:
        parts.append(f"::: {whole}")
    return "\n\n".join(parts) + "\n"


def _exported(package: str) -> dict[str, Any]:
    """What the package itself gives; most of it is described with the module that it comes from."""
    module = import_module(package)
    return {name: getattr(module, name) for name in getattr(module, "__all__", [])}


def _link(name: str, value: Any) -> str:
    # A union or another alias, as of an array's shape, does not know its own name; it is on the page all the
    # same.
    ours = getattr(value, "__module__", "").partition(".")[0] == dust3r_sfm.__name__
    known = ours and (inspect.isclass(value) or inspect.isfunction(value))
    return f"[`{name}`][{value.__module__}.{value.__qualname__}]" if known else f"`{name}`"


def _public_names_page() -> str:
    rows = [_public_row(name) for name in dust3r_sfm.__all__ if name != "__version__"]
    head = (
        "# Python\n\nThe names that `import dust3r_sfm` gives. In the menu every package has a page of its "
        "own. Shapes stand in the annotations: `Float[ndarray, 'n 4 4']` is an array of floats of that "
        "shape, and a letter means the same length throughout a signature. [Concepts](../../concepts.md) has "
        "frames and units.\n"
    )
    return "\n".join([head, "| name | what |", "| --- | --- |", *rows, ""])


def _public_row(name: str) -> str:
    value = getattr(dust3r_sfm, name)
    first = re.split(r"(?<=\.)\s", inspect.cleandoc(value.__doc__ or "").replace("\n", " "))[0]
    return f"| {_link(name, value)} | {first.replace('|', chr(92) + '|')} |"
