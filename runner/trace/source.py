"""A function's own lines, found by its name without importing or running it."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_PACKAGE: Final = _ROOT / "runner"


def source_of(file: str, function: str) -> dict[str, Any] | None:
    """`{"file", "line", "text"}` of a function of ours; None for anything else.

    `file` begins with `runner/`, `function` is its full dotted name.
    """
    path = (_ROOT / file).resolve()
    if not path.is_relative_to(_PACKAGE) or path.suffix != ".py" or not path.is_file():
        return None
    module = ".".join(path.relative_to(_ROOT).with_suffix("").parts).removesuffix(".__init__")
    name = function.removeprefix(f"{module}.").partition(".<locals>")[0]
    text = path.read_text()
    found = _find(ast.parse(text), name.split("."))
    if found is None or found.end_lineno is None:
        return None
    lines = text.splitlines()[found.lineno - 1 : found.end_lineno]
    return {"file": file, "line": found.lineno, "text": "\n".join(lines)}


def _find(
    inside: ast.AST, names: list[str]
) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
    for node in ast.iter_child_nodes(inside):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named and node.name == names[0]:  # type: ignore[attr-defined]
            return node if len(names) == 1 else _find(node, names[1:])  # type: ignore[return-value]
    return None
