"""Options that stand for fields of the library's configs: their help and default are written there alone."""

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any, Literal

import tyro

Budget = int | Literal["all"]
"""A number of points, as users write it."""


def option(config: type, field: str, metavar: str | None = None, forms: str = "") -> Any:
    """What tyro shows for an option: the docstring and the default of this field of `config`. `forms`: of an
    export that it is for. A docstring's last sentence `None: ...` says what comes of leaving the option out.

    Goes into `Annotated[...]`; the default itself is `config.field`.
    """
    text, _, otherwise = field_docstring(config, field).partition(" None: ")
    default = getattr(config, field)
    if default is None:
        hint = f"(default: {otherwise.rstrip('.')})" if otherwise else ""
    else:
        hint = f"(default: {default})"
    if forms:
        text = f"{forms}: {text[0].lower()}{text[1:]}"
    return tyro.conf.arg(metavar=metavar, help=text, help_behavior_hint=hint)


def field_docstring(config: type, field: str) -> str:
    """The docstring below a field of a dataclass or of one it inherits from, in one line."""
    found = next((texts[field] for texts in map(_docstrings, config.__mro__) if field in texts), None)
    assert found is not None, f"{config.__name__}.{field} has no docstring"
    return found


@cache
def _docstrings(config: type) -> dict[str, str]:
    if config is object:
        return {}
    (definition,) = ast.parse(dedent(inspect.getsource(config))).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for field, below in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(ast.Constant(str(text))):
                    texts[field.target.id] = " ".join(text.split())
    return texts


def budget_of(points: int | None) -> Budget:
    """As users write a number of points that the library has; None there is all."""
    return "all" if points is None else points


def points_of(budget: Budget) -> int | None:
    """As the library has it."""
    return None if budget == "all" else budget
