"""gRPC statuses to error classes: the whole table, and what is told by its text."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from runner.containerd.errors import CLASSES, UNKNOWN_PHRASES, from_status, translated
from runner.types import errors

SOCKET = "/run/containerd/containerd.sock"
UNKNOWN = grpc.StatusCode.UNKNOWN


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
)
def test_every_status_has_a_class_and_keeps_the_message(code: grpc.StatusCode) -> None:
    message = 'container "x": unavailable'
    error = from_status(code, message, SOCKET)
    assert type(error) is CLASSES[code]
    assert str(error) == message


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.NOT_FOUND, errors.NotFound),
        (grpc.StatusCode.ALREADY_EXISTS, errors.AlreadyExists),
        (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidParameter),
        (grpc.StatusCode.FAILED_PRECONDITION, errors.FailedPrecondition),
        (grpc.StatusCode.PERMISSION_DENIED, errors.Forbidden),
        (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthorized),
        (grpc.StatusCode.UNIMPLEMENTED, errors.NotImplementedYet),
        (grpc.StatusCode.CANCELLED, errors.Cancelled),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlineExceeded),
        (grpc.StatusCode.DATA_LOSS, errors.DataLoss),
        (grpc.StatusCode.INTERNAL, errors.System),
        (UNKNOWN, errors.System),
    ],
)
def test_classes_that_callers_tell_apart(
    code: grpc.StatusCode, kind: type[errors.RunnerError]
) -> None:
    assert type(from_status(code, "text", SOCKET)) is kind


PHRASES = {
    "cannot delete a running process: unknown": errors.FailedPrecondition,
    "cannot start a running process": errors.FailedPrecondition,
    "cannot start a stopped process: unknown": errors.FailedPrecondition,
    "cannot pause a stopped container": errors.FailedPrecondition,
    "cannot pause task in created state": errors.FailedPrecondition,
    "cannot checkpoint a task in created state": errors.FailedPrecondition,
    "cannot exec in a paused state: unknown": errors.FailedPrecondition,
    'invalid state transition "stopped" to "running"': errors.FailedPrecondition,
    "process already finished": errors.NotFound,
    "no such container": errors.NotFound,
    "runc did not terminate successfully: container does not exist": errors.NotFound,
    "type with url nonsense: not found": errors.InvalidParameter,
    "subscription error: filters: parse error: [ >|=|< =]": errors.InvalidParameter,
    "failed to get stream processor for a/b: no processor for media-type": errors.NotImplementedYet,
    "ttrpc: closed: unknown": errors.Unavailable,
    "context canceled": errors.Cancelled,
    "context deadline exceeded": errors.DeadlineExceeded,
    'runc create failed: exec: "x": executable file not found in $PATH: unknown': errors.System,
    "failed to mount rootfs component: no such file or directory": errors.System,
    "": errors.System,
}


@pytest.mark.parametrize(("details", "kind"), PHRASES.items())
def test_an_unknown_status_is_told_by_its_text(
    details: str, kind: type[errors.RunnerError]
) -> None:
    error = from_status(UNKNOWN, details, SOCKET)
    assert type(error) is kind
    assert str(error) == details


def test_every_phrase_of_the_table_is_tested() -> None:
    assert set(UNKNOWN_PHRASES.values()) <= set(PHRASES.values())


def test_a_broken_connection_names_the_socket_and_the_reason() -> None:
    details = (
        "failed to connect to all addresses; last error: UNKNOWN: unix:/run/x.sock: connect failed:"
        " addr: unix:/run/x.sock error: Connection refused"
    )
    assert str(from_status(grpc.StatusCode.UNAVAILABLE, details, "/run/x.sock")) == (
        "cannot reach containerd at /run/x.sock: Connection refused; is it running?"
    )


def test_what_containerd_finds_unavailable_is_not_a_broken_connection() -> None:
    details = "ref default/1/layer locked for 3s: unavailable"
    error = from_status(grpc.StatusCode.UNAVAILABLE, details, SOCKET)
    assert (type(error), str(error)) == (errors.Unavailable, details)


@pytest.mark.parametrize(
    "details",
    [
        "CLIENT: Sent message larger than max (16777317 vs. 16777216)",
        "grpc: received message larger than max (16777317 vs. 16777216)",
    ],
)
def test_a_message_too_large_is_the_callers_fault(details: str) -> None:
    error = from_status(grpc.StatusCode.RESOURCE_EXHAUSTED, details, SOCKET)
    assert type(error) is errors.InvalidParameter
    assert "message too large" in str(error)


def test_the_cause_is_kept() -> None:
    metadata = grpc.aio.Metadata()
    cause = grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, metadata, metadata, "gone: not found")
    with pytest.raises(errors.NotFound, match="gone: not found") as caught, translated(SOCKET):
        raise cause
    assert caught.value.__cause__ is cause


def test_calls_on_a_closed_channel() -> None:
    with pytest.raises(errors.Unavailable, match="is closed"), translated(SOCKET):
        raise grpc.aio.UsageError("Channel is closed.")


@pytest.mark.parametrize("kind", [asyncio.CancelledError, ValueError])
def test_everything_else_passes_untouched(kind: type[BaseException]) -> None:
    error = kind()
    with pytest.raises(kind) as caught, translated(SOCKET):
        raise error
    assert caught.value is error
