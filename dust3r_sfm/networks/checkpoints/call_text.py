"""The text of a call, taken apart and never run."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from dust3r_sfm.errors import InputError

Value = None | bool | int | float | str | tuple["Value", ...]

_LONGEST = 5000
_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Call:
    name: str
    keywords: Mapping[str, Value]


def parse_call(text: str) -> Call:
    """Of a call with keywords that are literals: numbers, strings, tuples, lists, True, False, None, and
    inf. Raises InputError for anything else."""
    shown = repr(text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}...")
    if len(text) > _LONGEST:
        raise InputError(f"the call that builds the network has {len(text)} characters: {shown}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"the call that builds the network cannot be parsed: {shown}") from error
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.args:
        raise InputError(f"the network is not described by a call with keywords only: {shown}")
    return Call(tree.func.id, dict(_named_literal(keyword) for keyword in tree.keywords))


def _named_literal(keyword: ast.keyword) -> tuple[str, Value]:
    if keyword.arg is None:
        raise InputError("the call that builds the network has `**`; its keywords must be written out")
    try:
        return keyword.arg, _literal(keyword.value)
    except TypeError as error:
        shown = ast.unparse(keyword.value)[:_LONGEST_SHOWN]
        raise InputError(f"{keyword.arg}={shown} is not a number, string or tuple; it is not run") from error


def _literal(node: ast.expr) -> Value:
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return value
        case ast.Name(id="inf"):
            return inf
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")):
            return -inf
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(_literal(element) for element in elements)
    raise TypeError(type(node).__name__)
