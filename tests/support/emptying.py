"""Emptying an engine, ours or dockerd, between two tests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.http import Answer

_PATIENCE: Final = 20.0
_PREDEFINED: Final = {"bridge", "host", "none"}


def remove_everything(api: Callable[..., Answer]) -> set[str]:
    """Remove containers, then the user's networks and volumes; images stay. The containers' IDs."""
    removed = set()
    deadline = time.monotonic() + _PATIENCE
    while containers := _list(api, "/containers/json?all=1"):
        removed |= {container["Id"] for container in containers}
        for container in containers:  # again for those that somebody is removing already
            api("DELETE", f"/containers/{container['Id']}?force=1&v=1")
        if time.monotonic() > deadline:
            break
    for network in _list(api, "/networks"):
        if network["Name"] not in _PREDEFINED:
            api("DELETE", f"/networks/{network['Id']}")
    volumes = api("GET", "/volumes")
    for volume in (volumes.json()["Volumes"] or []) if volumes.status == 200 else []:
        api("DELETE", f"/volumes/{volume['Name']}?force=1")
    return removed


def _list(api: Callable[..., Answer], target: str) -> list[dict[str, Any]]:
    answer = api("GET", target)
    return list(answer.json() or []) if answer.status == 200 else []
