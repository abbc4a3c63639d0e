"""The fields of an entry: systemd's own and Docker's (moby daemon/logger/journald/journald.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from runner.logs.message import Partial, Stream

MESSAGE: Final = "MESSAGE"
PRIORITY: Final = "PRIORITY"
REALTIME: Final = "__REALTIME_TIMESTAMP"
"""When journald got it, in microseconds: the time that the journal can be searched by."""

SYSLOG_IDENTIFIER: Final = "SYSLOG_IDENTIFIER"
SYSLOG_TIMESTAMP: Final = "SYSLOG_TIMESTAMP"
CONTAINER_ID: Final = "CONTAINER_ID"
CONTAINER_ID_FULL: Final = "CONTAINER_ID_FULL"
CONTAINER_NAME: Final = "CONTAINER_NAME"
CONTAINER_TAG: Final = "CONTAINER_TAG"
IMAGE_NAME: Final = "IMAGE_NAME"
PARTIAL_ID: Final = "CONTAINER_PARTIAL_ID"
PARTIAL_ORDINAL: Final = "CONTAINER_PARTIAL_ORDINAL"
PARTIAL_LAST: Final = "CONTAINER_PARTIAL_LAST"
PARTIAL_MESSAGE: Final = "CONTAINER_PARTIAL_MESSAGE"
LOG_EPOCH: Final = "CONTAINER_LOG_EPOCH"
LOG_ORDINAL: Final = "CONTAINER_LOG_ORDINAL"
"""Who wrote the entry, and its number there: a reader knows by these when it has seen all."""

NO_ATTRIBUTES: Final = frozenset(
    {
        MESSAGE,
        PRIORITY,
        SYSLOG_IDENTIFIER,
        SYSLOG_TIMESTAMP,
        CONTAINER_ID,
        CONTAINER_ID_FULL,
        CONTAINER_NAME,
        CONTAINER_TAG,
        IMAGE_NAME,
        PARTIAL_ID,
        PARTIAL_ORDINAL,
        PARTIAL_LAST,
        PARTIAL_MESSAGE,
        LOG_EPOCH,
        LOG_ORDINAL,
        *("MESSAGE_ID", "CODE_FILE", "CODE_LINE", "CODE_FUNC", "ERRNO"),
        *("SYSLOG_FACILITY", "SYSLOG_PID"),
    }
)
"""Every other field is one that a label or a variable has made."""

PRIORITIES: Final[dict[Stream, bytes]] = {"stdout": b"6", "stderr": b"3"}
STREAMS: Final[dict[bytes, Stream]] = {value: key for key, value in PRIORITIES.items()}


def sanitize(name: str) -> str:
    """A label's or variable's name as a field's: upper case, digits, underscores, none first."""
    letters = (
        character.upper() if character.isascii() and character.isalnum() else "_"
        for character in name
    )
    return "".join(letters).lstrip("_")


def of_partial(partial: Partial) -> dict[str, bytes]:
    """The place of a part in its line."""
    fields = {
        PARTIAL_ID: partial.id.encode(),
        PARTIAL_ORDINAL: b"%d" % partial.ordinal,
        PARTIAL_LAST: b"true" if partial.last else b"false",
    }
    return fields if partial.last else fields | {PARTIAL_MESSAGE: b"true"}
