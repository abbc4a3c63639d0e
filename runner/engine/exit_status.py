"""How a container ended, and what a failed start's error means (moby daemon/errors.go)."""

from __future__ import annotations

from dataclasses import dataclass

from runner.types.errors import InvalidParameter, RunnerError, System

EXIT_UNKNOWN = 255
"""The exit code of a container whose end nobody saw."""

START_FAILED = 128
"""The exit code of a start that failed for a reason that says nothing more (moby exitUnknown)."""

_NOT_FOUND = (
    "executable file not found",
    "no such file or directory",
    "system cannot find the file specified",
    "failed to run runc create/exec call",
)
_MOUNT_MISMATCH = (
    ": Are you trying to mount a directory onto a file (or vice-versa)?"
    " Check if the specified host path exists and is the expected type"
)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """An exit code with its time (RFC3339Nano)."""

    exit_code: int
    exited_at: str


def set_exit_code_from_error(error: RunnerError) -> tuple[int, RunnerError]:
    """The exit code of a start that failed with `error`, and the error for the user.

    Docker's contract matches phrases, and its CLI matches them again, so this function is the
    only place that does. The first match wins. Source: moby setExitCodeFromError.
    """
    text = error.message.lower()
    if "permission denied" in text:
        return 126, _typed(InvalidParameter, error)
    if "is a directory" in text:
        return 126, _typed(InvalidParameter, error, ": permission denied")
    if "not a directory" in text:
        return 127, _typed(InvalidParameter, error, _MOUNT_MISMATCH)
    if any(phrase in text for phrase in _NOT_FOUND):
        return 127, _typed(InvalidParameter, error)
    return START_FAILED, _typed(System, error)


def _typed(kind: type[RunnerError], error: RunnerError, suffix: str = "") -> RunnerError:
    typed = kind(error.message + suffix)
    typed.__cause__ = error
    return typed
