"""Addresses to import from: those that lead nowhere are refused in Go's words."""

from __future__ import annotations

import pytest

from runner.image.download import downloading
from runner.types.errors import InvalidParameter, RunnerError, System


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("", System, 'Get "http:": http: no Host in request URL'),
        ("http:///x", System, 'Get "http:///x": http: no Host in request URL'),
        ("file:///x", System, 'Get "file:///x": unsupported protocol scheme "file"'),
        ("x:y", InvalidParameter, 'parse "http://x:y": invalid port ":y" after host'),
        ("http://[::1", InvalidParameter, "parse \"http://[::1\": missing ']' in host"),
        ("a b", InvalidParameter, 'parse "http://a b": invalid character " " in host name'),
    ],
)
async def test_an_address_that_cannot_be(source: str, kind: type[RunnerError], text: str) -> None:
    with pytest.raises(kind) as refused:
        async with downloading(source, lambda _: None):
            raise AssertionError("nothing is there")
    assert str(refused.value) == text
