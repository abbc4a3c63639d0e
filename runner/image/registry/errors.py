"""What goes wrong between us and a registry, and dockerd's words for it.

Inside this package the errors keep what the registry said; `translate` makes of them what dockerd
answers (moby daemon/containerd/registry_errors.go and image_pull.go).
"""

from __future__ import annotations

import dataclasses
import os
import re
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from runner.image import platform as platforms
from runner.types import gojson
from runner.types.errors import Forbidden, NotFound, RunnerError, Unauthorized, Unavailable
from runner.types.errors import NotImplementedYet as Unsupported

if TYPE_CHECKING:
    from runner.image.reference import Reference
    from runner.types.image import Platform


class TransportError(RunnerError):
    """The registry could not be spoken to at all."""


class Interrupted(RunnerError):
    """A connection broke in the middle, or a status asks to come back: worth another attempt.

    `retry_after` is what the registry asks for, in seconds.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AuthorizationFailed(RunnerError):
    """The registry refused what we showed it (containerd's ErrInvalidAuthorization)."""


class NoCredentials(AuthorizationFailed):
    """The registry wants a name and a password, and there are none."""


class NoMatchingManifest(NotFound):
    """An index without a manifest for the platform."""


class UnexpectedStatus(RunnerError):
    """A status that is no success, with the start of the body."""

    def __init__(self, message: str, status: int = 0, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body

    @classmethod
    def of(cls, response: aiohttp.ClientResponse, body: bytes = b"") -> UnexpectedStatus:
        """The error of a response, with the registry's own errors after ours."""
        status = f"{response.status} {response.reason}"
        message = f"unexpected status from {response.method} request to {response.url}: {status}"
        if entries := registry_errors(body):
            message = f"{message}\n{_list(entries)}"
        return cls(message, response.status, body)


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryErrorEntry:
    """One of the errors in a registry's answer (distribution-spec, error codes)."""

    code: str
    message: str
    detail: Any = None

    @property
    def name(self) -> str:
        """The code as containerd writes it."""
        return self.code.lower().replace("_", " ")

    @property
    def plain(self) -> bool:
        """Whether it says no more than its code."""
        return self.detail is None and self.message == _MESSAGES[self.code]

    def __str__(self) -> str:
        return f"{self.message} - {self.detail}" if isinstance(self.detail, str) else self.message


_REASON_MAX = 200
"""Characters of a library's text that may quote what the registry sent."""

_MESSAGES = {
    "UNKNOWN": "unknown error",
    "UNSUPPORTED": "The operation is unsupported.",
    "UNAUTHORIZED": "authentication required",
    "DENIED": "requested access to the resource is denied",
    "UNAVAILABLE": "service unavailable",
    "TOOMANYREQUESTS": "too many requests",
}
_CLASSES: dict[str, type[RunnerError]] = {
    "UNSUPPORTED": Unsupported,
    "UNAUTHORIZED": Unauthorized,
    "DENIED": Forbidden,
    "UNAVAILABLE": Unavailable,
}


def registry_errors(body: bytes) -> list[RegistryErrorEntry]:
    """The errors of an answer's body; none when it is not of the specification's form."""
    document = _decode(body)
    entries = document.get("errors")
    if not isinstance(entries, list):
        return []
    return [_entry(entry) for entry in entries if isinstance(entry, dict)]


def _entry(entry: dict[str, Any]) -> RegistryErrorEntry:
    """Codes that containerd does not know are UNKNOWN to it."""
    code = entry.get("code")
    known = code if isinstance(code, str) and code in _MESSAGES else "UNKNOWN"
    message = entry.get("message")
    text = message if isinstance(message, str) and message else _MESSAGES[known]
    return RegistryErrorEntry(known, text, entry.get("detail"))


def _list(entries: list[RegistryErrorEntry]) -> str:
    """The entries as Go prints containerd's Errors."""
    lines = [entry.name if entry.plain else f"{entry.name}: {entry.message}" for entry in entries]
    return lines[0] if len(lines) == 1 else "".join(["errors:\n", *(f"{x}\n" for x in lines)])


def _decode(body: bytes) -> dict[str, Any]:
    try:
        document = gojson.decode(body)
    except msgspec.DecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def translate(err: RunnerError, reference: Reference, platform: Platform | None) -> RunnerError:
    """dockerd's error for a failed pull of the reference."""
    cause = _innermost(err)
    if isinstance(cause, AuthorizationFailed) and not isinstance(cause, NoCredentials):
        return NotFound(
            f"pull access denied for {reference.familiar_name}, repository does not exist or may "
            "require 'docker login'"
        )
    if isinstance(err, NoMatchingManifest):
        wanted = platforms.format_all(platform or platforms.host_platform())
        return NotFound(
            f"no matching manifest for {wanted} in the manifest list entries: {err.message}"
        )
    return translate_registry_error(err)


def translate_registry_error(err: RunnerError) -> RunnerError:
    """What dockerd answers for what a registry has said (moby registry_errors.go)."""
    cause = _innermost(err)
    if isinstance(cause, UnexpectedStatus):
        return _translate_status(err, cause)
    if isinstance(cause, TransportError | Interrupted | AuthorizationFailed):
        return RunnerError(err.message)
    return err


def translate_listing_error(err: RunnerError, reference: Reference) -> RunnerError:
    """dockerd's error for a failed listing of tags (moby distribution/errors.go)."""
    cause = _innermost(err)
    entries = registry_errors(cause.body) if isinstance(cause, UnexpectedStatus) else []
    code = _raw_code(cause.body) if isinstance(cause, UnexpectedStatus) else ""
    if code in _LISTING and entries:
        what = _LISTING[code].format(reference.familiar_name)
        return NotFound(f"{what}: {code.lower().replace('_', ' ')}: {entries[0].message}")
    return translate_registry_error(err)


_LISTING = {
    "DENIED": "pull access denied for {}, repository does not exist or may require 'docker login'",
    "NAME_UNKNOWN": "repository {} not found",
}


def _raw_code(body: bytes) -> str:
    entries = _decode(body).get("errors")
    first = entries[0] if isinstance(entries, list) and entries else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) else ""


def _innermost(err: BaseException) -> BaseException:
    """The registry's own error beneath the prefixes that were put before it."""
    while isinstance(err, RunnerError) and isinstance(err.__cause__, RunnerError):
        err = err.__cause__
    return err


def _translate_status(err: RunnerError, cause: UnexpectedStatus) -> RunnerError:
    """moby's translateRegistryError."""
    entries = registry_errors(cause.body)
    if not entries:
        return _translate_unlisted(err, cause)
    kind = _CLASSES.get(entries[0].code, RunnerError)
    # An entry that says no more than its code comes twice there: as text and as itself.
    lines = [line for entry in entries for line in ([entry.name] * 2 if entry.plain else [entry])]
    return kind("error from registry: " + "\n".join(map(str, lines)))


def _translate_unlisted(err: RunnerError, cause: UnexpectedStatus) -> RunnerError:
    document = _decode(cause.body)
    if not document:
        return RunnerError(f"unknown: {err.message}")
    details = document.get("details")
    if cause.status in {401, 403} and isinstance(details, str) and details:
        code = "UNAUTHORIZED" if cause.status == 401 else "DENIED"
        return _CLASSES[code](f"{_MESSAGES[code]} - {details}")
    return RunnerError(f"error from registry: {err.message}")


def describe(err: BaseException, method: str, url: object) -> str:
    """A connection's failure in the words of Go's net/http."""
    return f'failed to do request: {method.title()} "{url}": {reason(err)}'


def reason(err: BaseException) -> str:
    """What went wrong with a connection, in Go's words."""
    match err:
        case aiohttp.ClientConnectorDNSError():
            return f"dial tcp: lookup {err.host}: no such host"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return f"tls: {err}"
        case aiohttp.ClientConnectorError():
            return _dial_error(err)
        case TimeoutError():
            return "net/http: timeout awaiting response headers"
        case aiohttp.ServerDisconnectedError():
            return "EOF"
        case _:
            return (str(err) or type(err).__name__).partition("\n")[0][:_REASON_MAX]


def _dial_error(err: aiohttp.ClientConnectorError) -> str:
    """The first address tried and why it failed, which asyncio tells in its text only."""
    text = str(err.os_error)
    found = re.search(r"Connect call failed \('([^']+)', (\d+)", text)
    host, port = found.groups() if found else (err.host, err.port)
    number = err.os_error.errno or int(next(iter(re.findall(r"\[Errno (\d+)\]", text)), 0))
    reason = os.strerror(number).lower() if number else text
    return f"dial tcp {f'[{host}]' if ':' in host else host}:{port}: connect: {reason}"
