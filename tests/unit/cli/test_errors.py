"""Errors as text and exit code; the two tables of the design's exit codes."""

from __future__ import annotations

import pytest

from runner.cli.errors import CliError, describe, run_error
from runner.client.errors import ConnectionFailed
from runner.types import errors


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('exec: "x": executable file not found in $PATH', 127),
        ("open /x: no such file or directory", 127),
        ("no such file or directory: permission denied", 127),
        ("permission denied", 126),
        ("exec: is a directory: unknown", 126),
        ("Permission denied", 125),
        ("not a directory: Are you trying to mount a directory onto a file", 125),
        ("anything else", 125),
    ],
)
def test_the_exit_code_of_a_failed_start(message: str, code: int) -> None:
    error = run_error(errors.InvalidParameter(message))
    assert error.code == code
    assert str(error) == (
        f"runner: Error response from daemon: {message}\n\n"
        "Run 'runner run --help' for more information"
    )


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type)])
def test_every_class_of_the_engines_is_described(kind: type[errors.RunnerError]) -> None:
    if issubclass(kind, errors.RunnerError):
        assert describe(kind("text")) == "Error response from daemon: text"


def test_our_own_errors_speak_for_themselves() -> None:
    assert describe(CliError("text")) == "text"
    assert describe(ConnectionFailed("unix:///x")).startswith("Cannot connect to")
