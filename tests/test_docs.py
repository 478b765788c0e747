"""What the documentation says can be done: its links, commands, options and Python snippets."""

import contextlib
import io
import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import tyro
from dust3r_sfm_nerfstudio.command import ProcessDust3r
from markdown_it import MarkdownIt
from markdown_it.token import Token

from dust3r_sfm.cli.options import parse
from dust3r_sfm.synthetic.example import write_example

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*GUIDES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
COMMANDS = ("dust3r-sfm", "ns-process-dust3r", "ns-process-data dust3r")
NOT_RUN = "<!-- not run:"
"""Stands before a Python snippet that cannot be run here, with the reason."""
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)


def _id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


def _inline(page: Path, kind: str) -> Iterator[Token]:
    for token in _tokens(page):
        yield from (child for child in token.children or [] if child.type == kind)


def _anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    tokens = _tokens(page)
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    links = [str(token.attrs["href"]) for token in _inline(page, "link_open")]
    links += [str(token.attrs["src"]) for token in _inline(page, "image")]
    lost = []
    for link in links:
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


def _command_lines(page: Path) -> Iterator[str]:
    """Out of code blocks, and out of the text where options are given."""
    for token in _tokens(page):
        if token.type in ("fence", "code_block") and not token.info.startswith("python"):
            for line in token.content.splitlines():
                yield from (part.strip().removeprefix(".venv/bin/") for part in line.split("&&"))
    yield from (token.content for token in _inline(page, "code_inline") if " --" in token.content)


def _parse(command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)
    if name == "dust3r-sfm":
        parse(arguments)
    else:
        tyro.cli(ProcessDust3r, args=arguments[1:] if name == "ns-process-data" else arguments)


@pytest.mark.parametrize("page", [*GUIDES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=_id)
def test_commands_are_ones_that_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for command in _command_lines(page):
        if not command.startswith(tuple(f"{name} " for name in COMMANDS)):
            continue
        try:
            _parse(command)
        except SystemExit as end:
            if end.code:
                wrong.append((command, capsys.readouterr()))
    assert wrong == []


@pytest.fixture(scope="module")
def options() -> set[str]:
    """Every option of every command."""
    commands = ["reconstruct", "export", "localize", "view", "demo", "frames"]
    commands += ["example", "evaluate", "models", "version"]
    asked = [f"dust3r-sfm {name} --help" for name in commands] + ["ns-process-dust3r --help"]
    return {option for command in asked for option in re.findall(r"--[\w-]+", _help(command))}


def _help(command: str) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), pytest.raises(SystemExit):
        _parse(command)
    return text.getvalue()


HOW_TOS = [page for page in GUIDES if page.parent.name == "howto"]


@pytest.mark.parametrize("page", HOW_TOS, ids=_id)
def test_options_in_the_text_are_ones_that_exist(page: Path, options: set[str]) -> None:
    said = {
        word
        for token in _inline(page, "code_inline")
        for word in re.findall(r"(?:^| )(--[\w-]+)", token.content)
    }
    assert said <= options


def test_messages_that_are_explained_are_ones_that_appear() -> None:
    """The first column of the tables headed `it says`, and what is said beside an exit code."""
    page = (ROOT / "docs" / "howto" / "troubleshooting.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| (?:\d, )?`([^`]+)` \|", page, re.MULTILINE)
    assert len(explained) > 10
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "dust3r_sfm").rglob("*.py"))
    code = re.sub(r'"\s*\n\s*f?"', "", code)  # a message over several lines
    assert [message for message in explained if message not in code] == []


@pytest.mark.parametrize("page", GUIDES, ids=_id)
def test_formulas_survive_markdown(page: Path) -> None:
    """GitHub reads Markdown before mathematics: underscores must not become emphasis, nor escapes vanish."""
    texts = [
        "".join("\n" if child.type == "softbreak" else child.content for child in token.children or [])
        for token in _tokens(page)
        if token.type == "inline"
    ]
    outside_code = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    changed = [
        formula for formula in FORMULA.findall(outside_code) if not any(formula in text for text in texts)
    ]
    assert changed == []


def _snippets(page: Path) -> list[str]:
    """The page's Python, but what is marked as not to be run."""
    tokens = _tokens(page)
    return [
        token.content
        for before, token in zip([None, *tokens], tokens, strict=False)
        if token.type == "fence"
        and token.info == "python"
        and not (before and before.content.startswith(NOT_RUN))
    ]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that snippets name: photos of the example, their true model, and a reconstruction."""
    from dust3r_sfm import reconstruct

    folder = tmp_path_factory.mktemp("workplace")
    example = write_example(folder / "example", count=4, width=256, height=192)
    shutil.copytree(example.ground_truth, folder / "model")
    shutil.copytree(example.images, folder / "images")
    photos = shutil.copytree(example.images, folder / "photos")
    for name, photo in (("a.jpg", "00.jpg"), ("b.jpg", "01.jpg"), ("new.jpg", "02.jpg")):
        shutil.copy(photos / photo, folder / name)
    reconstruct(photos, output=folder / "out")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if _snippets(page)], ids=_id)
def test_snippets_run(page: Path, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they stand on the page, with what the ones before defined."""
    here = tmp_path / "here"
    shutil.copytree(workplace, here)
    monkeypatch.chdir(here)
    code = "\n".join(_snippets(page))
    if 'output=Path("out")' in code:
        shutil.rmtree("out")
    exec(compile(code, _id(page), "exec"), {"__name__": "snippet"})
