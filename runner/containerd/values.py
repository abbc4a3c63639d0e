"""Values that several services share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

ZERO_TIME = datetime(1, 1, 1, tzinfo=UTC)
"""Go's zero time, which containerd and Docker both show for what has not happened."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value of a type that `type_url` names: protobuf for a message, JSON for an OCI document."""

    type_url: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount(2), in containerd's terms. `target` is relative to the root of the whole."""

    type: str
    source: str
    target: str = ""
    options: tuple[str, ...] = ()
