"""Regular expressions from clients: Go's syntax, words and speed."""

from __future__ import annotations

import time

import pytest

from runner.types.regexp import compile_regexp

# What Go 1.24 says.
MISTAKES = {
    "(": "missing closing ): `(`",
    "[": "missing closing ]: `[`",
    "a**": "invalid nested repetition operator: `**`",
    "*": "missing argument to repetition operator: `*`",
    "\\": "trailing backslash at end of expression: ``",
    "(?z)": "invalid or unsupported Perl syntax: `(?z`",
    "\\q": "invalid escape sequence: `\\q`",
    ")": "unexpected ): `)`",
    "a{1001}": "invalid repeat count: `{1001}`",
    "(?P<n": "invalid named capture: `(?P<n`",
    "[z-a]": "invalid character class range: `z-a`",
}


@pytest.mark.parametrize(("expression", "text"), MISTAKES.items())
def test_mistakes_are_told_in_gos_words(expression: str, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_regexp(expression)
    assert str(caught.value) == f"error parsing regexp: {text}"


def test_no_expression_takes_long() -> None:
    began = time.process_time()
    assert compile_regexp("(a+)+$").search("a" * 10_000 + "!") is None
    assert time.process_time() - began < 1


def test_what_only_python_knows_is_no_expression() -> None:
    with pytest.raises(ValueError):
        compile_regexp("(?=a)")
