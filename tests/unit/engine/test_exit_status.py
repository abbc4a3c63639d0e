"""What the text of a failed start's error makes of the exit code: the first match wins."""

import pytest

from runner.engine.exit_status import set_exit_code_from_error
from runner.types.errors import InvalidParameter, RunnerError, System

DENIED = "permission denied"
MISMATCH = (
    "not a directory: Are you trying to mount a directory onto a file (or vice-versa)?"
    " Check if the specified host path exists and is the expected type"
)


@pytest.mark.parametrize(
    ("text", "code", "kind", "message"),
    [
        ("exec: Permission Denied", 126, InvalidParameter, "exec: Permission Denied"),
        (
            "no such file or directory: permission denied",
            126,
            InvalidParameter,
            "no such file or directory: permission denied",
        ),
        ("/: is a directory", 126, InvalidParameter, f"/: is a directory: {DENIED}"),
        ("x: not a directory", 127, InvalidParameter, f"x: {MISMATCH}"),
        ("executable file not found in $PATH", 127, InvalidParameter, None),
        ("no such file or directory", 127, InvalidParameter, None),
        ("system cannot find the file specified", 127, InvalidParameter, None),
        ("failed to run runc create/exec call", 127, InvalidParameter, None),
        ("something else", 128, System, None),
    ],
)
def test_exit_codes(text: str, code: int, kind: type[RunnerError], message: str | None) -> None:
    error = RunnerError(text)
    exit_code, typed = set_exit_code_from_error(error)
    assert (exit_code, type(typed), typed.message) == (code, kind, message or text)
    assert typed.__cause__ is error
