"""HTTP statuses to error classes, and the failures that come before any HTTP."""

from __future__ import annotations

from runner.client import jsontext
from runner.types import errors

_BY_STATUS = {
    304: errors.NotModified,
    400: errors.InvalidParameter,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    501: errors.NotImplementedYet,
    503: errors.Unavailable,
}


class ClientError(errors.RunnerError):
    """An error of this side: its text is shown as it is, the engine has not spoken."""


class ConnectionFailed(ClientError):
    """The engine cannot be reached."""

    def __init__(self, host: str, reason: OSError | None = None) -> None:
        super().__init__(
            f"Cannot connect to the engine at {host}. Is it running? (runner serve starts one)"
        )
        self.reason = reason


class PermissionDenied(ClientError):
    """The socket is there, and is not for us."""


class UnexpectedAnswer(ClientError):
    """The other end does not speak the Engine API."""


class RouteMissing(ClientError):
    """The server has no such route."""


def from_response(status: int, body: bytes, url: str) -> errors.RunnerError:
    """The error that an answer means (docker client checkResponseErr)."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return UnexpectedAnswer(
            f"request returned {status} for API route and version {url}, "
            "check if the server supports the requested API version"
        )
    message = _message(text)
    if status == 404 and message == "page not found":
        return RouteMissing(f"Error response from daemon: {message}")
    return _BY_STATUS.get(status, errors.System)(message)


def _message(text: str) -> str:
    if not text.startswith("{"):
        return text
    try:
        message = jsontext.loads(text).get("message", "")
    except ValueError:
        return text
    return str(message).strip() or text
