"""The table of known attacks names tests and modules that exist (docs/reliability.md)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTER = (
    (ROOT / "docs/reliability.md").read_text().partition("## Known attacks\n")[2].partition("\n## ")
)[0]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in CHAPTER.splitlines()
    if line.startswith("| ") and not line.startswith("| | ") and "---" not in line
]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_there_are_many() -> None:
    numbers = re.findall(r"CVE-\d{4}-\d{4,7}", " ".join(row[0] for row in ROWS))
    assert len(numbers) == len(set(numbers)) >= 40
    assert sum("CVE-" in row[0] for row in ROWS) >= 30


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_said_can_be_looked_up(row: list[str]) -> None:
    _, attack, defence, tests = row
    assert attack
    for name in re.findall(r"`(runner/[\w/.]+)`", defence):
        assert (ROOT / name).exists(), name
    named = TEST.findall(tests)
    assert named
    assert TEST.sub("", tests).strip(" ,") == ""
    for path, name in named:
        assert name in _functions(ROOT / path), f"{path}::{name}"


def _functions(path: Path) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, kinds)}
