"""The code of a Python file without its comments and docstrings, which change no result."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from typing import Final, TypeGuard

_DOCUMENTED: Final = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def code_only(source: str) -> str:
    """Return the lines of a Python file that hold code, without comments and docstrings.

    Every string that is a statement of its own counts as documentation. Blank lines are left
    out. The result does not depend on the version of Python that computes it. Raises SyntaxError
    if `source` is no Python.
    """
    lines = source.splitlines()
    for row, begin in _comments(source):
        lines[row - 1] = lines[row - 1][:begin]
    for text in _texts(ast.parse(source)):
        for row in range(text.lineno, (text.end_lineno or text.lineno) + 1):
            lines[row - 1] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _comments(source: str) -> Iterator[tuple[int, int]]:
    """Yield the line and the column at which each comment begins."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start


def _texts(tree: ast.Module) -> Iterator[ast.Expr]:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            yield from filter(_is_text, node.body)


def _is_text(node: ast.stmt) -> TypeGuard[ast.Expr]:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
