"""The page of its own, and the source lines in it."""

from __future__ import annotations

import json
import re

import pytest

from runner.trace.page import render
from runner.trace.source import source_of

SPAN = {
    "trace_id": "t" * 32,
    "span_id": "1" * 16,
    "parent_id": "",
    "name": "</script><b>",
    "began_ns": 1,
    "duration": 0.1,
    "error": None,
    "attributes": {},
    "code": {
        "file": "runner/trace/source.py",
        "line": 20,
        "function": "runner.trace.source.source_of",
    },
}


def test_the_page_needs_nothing_else() -> None:
    page = render([SPAN])
    assert not re.findall(r"<(?:script|link)[^>]* (?:src|href)=\"(?!data:)", page)
    assert not re.findall(r"^import |^export ", page, re.MULTILINE)


def test_data_cannot_leave_its_place() -> None:
    page = render([SPAN])
    assert "</script><b>" not in page
    found = re.search(r'id="trace">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    trace = json.loads(found[1])
    assert trace["spans"][0]["name"] == "</script><b>"
    source = trace["sources"]["runner.trace.source.source_of"]
    assert source["text"].startswith("def source_of(")


@pytest.mark.parametrize(
    ("file", "function"),
    [
        ("../etc/passwd", "x"),
        ("runner/../pyproject.toml", "x"),
        ("/etc/passwd", "x"),
        ("runner/trace/page/index.html", "x"),
        ("runner/trace/source.py", "runner.trace.source.nothing"),
        ("runner/nowhere.py", "x"),
    ],
)
def test_only_functions_of_ours(file: str, function: str) -> None:
    assert source_of(file, function) is None


def test_methods_and_inner_functions() -> None:
    found = source_of("runner/demo/stage.py", "runner.demo.stage.Stage._listening.<locals>.listen")
    assert found is not None
    assert found["text"].lstrip().startswith("def _listening(")
