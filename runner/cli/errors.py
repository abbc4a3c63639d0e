"""Errors as docker prints them, and the exit codes that go with them."""

from __future__ import annotations

from runner.cli.pflag import PROGRAM
from runner.client.errors import ClientError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.types.errors import RunnerError

# The words by which `docker run` tells a start that failed in the container from one that failed
# in the engine (docker/cli toStatusError): the API carries nothing else.
_NOT_FOUND = (
    "executable file not found",
    "no such file or directory",
    "system cannot find the file specified",
)
_NOT_EXECUTABLE = ("permission denied", "is a directory")


class CliError(ClientError):
    """A message of the command line's own, with the exit code it ends with."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Declined(CliError):
    """The user would rather not; docker takes that for success, and says nothing."""

    def __init__(self) -> None:
        super().__init__("", 0)


def describe(error: RunnerError) -> str:
    """The error as docker's client words it."""
    if isinstance(error, ClientError):
        return str(error)
    return f"Error response from daemon: {error}"


def with_help(message: str, command: str) -> str:
    """The message with the hint that docker adds to the errors of run and create."""
    return f"{PROGRAM}: {message}\n\nRun '{PROGRAM} {command} --help' for more information"


def run_error(error: RunnerError) -> CliError:
    """An error of `run` on its way to the container's start: 127, 126 or 125."""
    message = describe(error)
    code = 125
    if any(words in message for words in _NOT_FOUND):
        code = 127
    elif any(words in message for words in _NOT_EXECUTABLE):
        code = 126
    return CliError(with_help(message, "run"), code)


def os_error(error: OSError, operation: str = "open") -> str:
    """A failed system call as Go words it: `open /x: no such file or directory`."""
    reason = (error.strerror or str(error)).lower()
    return f"{operation} {error.filename}: {reason}" if error.filename else reason
