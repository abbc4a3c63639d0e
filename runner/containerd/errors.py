"""gRPC statuses become runner.types.errors here, and nowhere else.

containerd's own message is kept as it is: users search for it, dockerd decides exit codes by it.
Sources: containerd/errdefs errgrpc.ToGRPC (class to code), moby httpstatus statusCodeFromGRPCError
(code to class), containerd's shim `process/*_state.go` (the phrases).
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import grpc

from runner.types.errors import (
    AlreadyExists,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    Forbidden,
    InvalidParameter,
    NotFound,
    NotImplementedYet,
    RunnerError,
    System,
    Unauthorized,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MESSAGE_SIZE = 16 << 20
"""Bytes in one message, framing included, that containerd's server takes by default."""

CLASSES: dict[grpc.StatusCode, type[RunnerError]] = {
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNKNOWN: System,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidParameter,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.PERMISSION_DENIED: Forbidden,
    grpc.StatusCode.RESOURCE_EXHAUSTED: System,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: System,
    grpc.StatusCode.OUT_OF_RANGE: InvalidParameter,
    grpc.StatusCode.UNIMPLEMENTED: NotImplementedYet,
    grpc.StatusCode.INTERNAL: System,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DATA_LOSS: DataLoss,
    grpc.StatusCode.UNAUTHENTICATED: Unauthorized,
}

UNKNOWN_PHRASES: dict[str, type[RunnerError]] = {
    r"cannot (start|delete|pause|resume|update|checkpoint|resize) a \w+ (process|container)": (
        FailedPrecondition
    ),
    r"cannot (pause|resume|checkpoint a) task in created state": FailedPrecondition,
    r"cannot exec in a \w+ state": FailedPrecondition,
    r"invalid state transition": FailedPrecondition,
    r"process already finished|no such container|container does not exist": NotFound,
    r"type with url .*: not found|filters: parse error": InvalidParameter,
    r"no processor for media-type": NotImplementedYet,
    r"ttrpc: closed": Unavailable,
    r"context canceled": Cancelled,
    r"context deadline exceeded": DeadlineExceeded,
}
"""What containerd and its shim leave without a class, told by the text. The first match counts."""


@contextlib.contextmanager
def translated(address: str) -> Iterator[None]:
    """Raise gRPC's exceptions from inside as ours; cancellation passes untouched."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise from_status(error.code(), error.details() or "", address) from error
    except grpc.aio.UsageError as error:
        raise closed(address) from error


def from_status(code: grpc.StatusCode, details: str, address: str) -> RunnerError:
    """The error for a status that a call to the containerd at `address` ended with."""
    match code:
        case grpc.StatusCode.UNKNOWN:
            return _unknown(details)
        case grpc.StatusCode.UNAVAILABLE if not details.endswith("unavailable"):
            # With that word ends what containerd itself finds unavailable, for instance a locked
            # ingest; everything else is gRPC's account of a failed connection.
            reason = details.rpartition(" error: ")[2]
            return Unavailable(f"cannot reach containerd at {address}: {reason}; is it running?")
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in details:
            return InvalidParameter(
                f"message too large: {details}: containerd takes {MAX_MESSAGE_SIZE} bytes"
            )
        case _:
            return CLASSES[code](details)


def closed(address: str) -> Unavailable:
    """The error of calls on a client that has been closed, pending ones included."""
    return Unavailable(f"the connection to containerd at {address} is closed")


def _unknown(details: str) -> RunnerError:
    for phrase, kind in UNKNOWN_PHRASES.items():
        if re.search(phrase, details):
            return kind(details)
    return System(details)
