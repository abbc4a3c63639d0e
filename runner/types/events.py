"""Events as the Engine API sends them (moby api/types/events)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.types.wire import Wire


class Actor(Wire, rename={"id": "ID", "attributes": "Attributes"}):
    """What the event happened to."""

    id: str
    attributes: dict[str, str] = msgspec.field(default_factory=dict)


class EventMessage(Wire):
    """One event. `time` in seconds, `time_nano` in nanoseconds since the epoch.

    `status`, `id` and `from_` repeat the action, the ID and the image for clients older than
    API 1.52, some of which crash without them.
    """

    status: str = ""
    id: str = ""
    from_: str = msgspec.field(default="", name="from")
    type: str = msgspec.field(default="", name="Type")
    action: str = msgspec.field(default="", name="Action")
    actor: Actor = msgspec.field(name="Actor", default_factory=lambda: Actor(id=""))
    scope: str = "local"
    time: int = 0
    time_nano: int = msgspec.field(default=0, name="timeNano")

    omit_empty: ClassVar[frozenset[str]] = frozenset({"status", "id", "from_", "scope"})
