"""The closed set of error classes, moby's errdefs in Python spelling.

    RunnerError                        500
    ├── InvalidParameter               400  the request is wrong
    │   └── FailedPrecondition         400  containerd refuses in this state
    ├── NotFound                       404
    ├── Conflict                       409  the object's state forbids it
    │   └── AlreadyExists              409  the name or ID is taken
    ├── Unauthorized                   401
    ├── Forbidden                      403
    ├── NotModified                    304  nothing to do
    ├── NotImplementedYet              501
    ├── Unavailable                    503  a service that we need does not answer
    ├── Cancelled                      500  the client went away
    ├── DeadlineExceeded               500
    ├── DataLoss                       500  content is not what its digest says
    └── System                         500  everything else, said on purpose
        └── NoSpace                    500  the disk is full

An error keeps its cause (`raise … from`), says what was attempted and on what, and never prints or
exits: `api/errors.py` turns it into a status, `cli/errors.py` into text and an exit code.
Source: moby errdefs, containerd/errdefs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing, which would cost the CLI a third of its start-up
    from typing import Self


class RunnerError(Exception):
    """An error with a message for the user. Untyped, it is an internal error (500)."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def wrap(self, prefix: str) -> Self:
        """The same class of error with `prefix: ` before its message; self becomes its cause."""
        wrapped = type(self)(f"{prefix}: {self.message}")
        wrapped.__cause__ = self
        return wrapped


class InvalidParameter(RunnerError):
    """The request is malformed or asks for something impossible. The caller must change it."""


class FailedPrecondition(InvalidParameter):
    """containerd refuses in the object's present state, for instance deleting a running task."""


class NotFound(RunnerError):
    """The object named does not exist."""


class Conflict(RunnerError):
    """The object's present state forbids what was asked."""


class AlreadyExists(Conflict):
    """The name or ID is taken."""


class Unauthorized(RunnerError):
    """Credentials are missing or wrong."""


class Forbidden(RunnerError):
    """Understood and refused, whoever asks."""


class NotModified(RunnerError):
    """Nothing to do: the object already is as asked."""


class NotImplementedYet(RunnerError):
    """Valid for dockerd, not supported by this engine. Never silently ignored."""


class Unavailable(RunnerError):
    """A service that we depend on (containerd, a registry) does not answer. Worth a retry."""


class Cancelled(RunnerError):
    """Whoever asked has gone away before the work was done."""


class DeadlineExceeded(RunnerError):
    """The work took longer than the time set for it."""


class DataLoss(RunnerError):
    """Content is not what its digest or size says."""


class System(RunnerError):
    """A failure of the system, marked as such even where its cause was a bad parameter."""


class NoSpace(System):
    """There is no room left on the device. It can be done once there is."""
