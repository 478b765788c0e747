"""What `import dust3r_sfm` offers, and what it leaves for later."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import dust3r_sfm
from dust3r_sfm.cli.options.library import field_docstring

ROOT = Path(__file__).parents[1]
ROOMS = [
    f"dust3r_sfm.{room}"
    for room in (
        *("alignment", "dense", "evaluation", "evidence", "exporters", "geometry", "images", "inference"),
        *("io", "localization", "networks", "networks.checkpoints", "pairwise", "pipeline"),
        *("pipeline.localization", "regressors", "regressors.network", "regressors.stereo", "training"),
        *("types", "view_graph", "viewer"),
    )
]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
SHOWN = [
    *sorted((ROOT / "examples").glob("*.py")),
    *(page for page in PAGES if "\n```python" in page.read_text(encoding="utf-8")),
]
"""What shows users how to call the library."""


def test_every_public_name_is_there() -> None:
    missing = [name for name in dust3r_sfm.__all__ if not hasattr(dust3r_sfm, name)]
    assert missing == []
    assert set(dust3r_sfm.__all__) <= set(dir(dust3r_sfm))
    assert dust3r_sfm.__version__ == version("dust3r-sfm")


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_there(room: str) -> None:
    module = import_module(room)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("room", ROOMS)
def test_every_field_has_a_docstring(room: str) -> None:
    module = import_module(room)
    for config in (getattr(module, name) for name in module.__all__):
        if is_dataclass(config):
            for field in fields(config):
                field_docstring(config, field.name)


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
def test_what_users_are_shown_imports_public_names_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = [text] if path.suffix == ".py" else re.findall(r"(?ms)^```python\n(.*?)^```", text)
    for module, name in (imported for block in blocks for imported in _imported(block)):
        assert module == "dust3r_sfm" or module in ROOMS, f"{module} is no room"
        assert name in import_module(module).__all__, f"{module}.{name} is not public"


def _imported(code: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dust3r_sfm":
            yield from ((node.module or "", alias.name) for alias in node.names)


def test_a_name_is_the_module_s_own() -> None:
    from dust3r_sfm.pipeline import reconstruct

    assert dust3r_sfm.reconstruct is reconstruct


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'reconstrukt'"):
        dust3r_sfm.reconstrukt  # noqa: B018


@pytest.mark.parametrize("module", ["dust3r_sfm", "dust3r_sfm.cli", "dust3r_sfm_nerfstudio.command"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    heavy = ("torch", "pycolmap", "scipy", "numpy")
    code = f"import {module}, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
