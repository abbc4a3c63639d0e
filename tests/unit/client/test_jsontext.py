"""JSON as Go writes it."""

from __future__ import annotations

import json

import pytest

from runner.client import jsontext


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<b>", '"\\u003cb\\u003e"'),
        ("a & b", '"a \\u0026 b"'),
        ("\u2028", '"\\u2028"'),
        ('"\\', '"\\"\\\\"'),
    ],
)
def test_escaped_for_html(text: str, escaped: str) -> None:
    found = jsontext.escape_html(jsontext.compact({text: [text]}))
    assert found == f"{{{escaped}:[{escaped}]}}"
    assert json.loads(found) == {text: [text]}
