"""Errors are found in a log by what Python prints of them, not by how they are called."""

from __future__ import annotations

import traceback

import pytest

from runner.types.errors import System
from tests.faults.unforeseen import unforeseen

BEFORE = 'time=2026-01-02T03:04:05.000006Z level=info module=engine msg="OSError: told in a line"\n'


def printed(error: Exception) -> str:
    """As the engine's log has it."""
    try:
        raise error
    except Exception as raised:
        return "".join(traceback.format_exception(raised))


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (KeyError("x"), ["KeyError: 'x'"]),
        (System("no room"), ["runner.types.errors.System: no room"]),
        (
            ExceptionGroup("two", [ValueError("a"), System("b")]),
            [
                "  | ExceptionGroup: two (2 sub-exceptions)",
                "    | ValueError: a",
                "    | runner.types.errors.System: b",
            ],
        ),
    ],
    ids=["python's", "ours", "a group"],
)
def test_a_traceback_is_found(error: Exception, lines: list[str]) -> None:
    if isinstance(error, ExceptionGroup):
        for member in error.exceptions:  # raised, as they are in a TaskGroup
            printed(member)
    assert unforeseen(BEFORE + printed(error) + BEFORE) == lines


def test_an_error_without_a_stack_is_found() -> None:
    assert unforeseen(BEFORE + "ValueError: a\n" + BEFORE) == ["ValueError: a"]


def test_what_the_engine_says_is_no_traceback() -> None:
    assert unforeseen(BEFORE * 3) == []
