"""Removing what is not used any more (moby daemon/prune.go)."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final

from runner.engine import sizes
from runner.engine.remove import container_rm
from runner.types import filters, times
from runner.types.container import PruneReport
from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError
from runner.types.timestamps import get_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.types.filters import Filters

log = logging.getLogger(__name__)

_ACCEPTED: Final = frozenset({"label", "label!", "until"})


class Pruning:
    """One prune of a kind at a time: a second would remove what the first counts."""

    def __init__(self) -> None:
        self._running: set[str] = set()

    @contextlib.contextmanager
    def exclusive(self, kind: str = "") -> Iterator[None]:
        """Raise Conflict while another goes on. To dockerd images and volumes are kinds of their
        own, and all else is one kind."""
        if kind in self._running:
            raise Conflict("a prune operation is already running")
        self._running.add(kind)
        try:
            yield
        finally:
            self._running.discard(kind)


async def containers_prune(engine: Engine, chosen: Filters) -> PruneReport:
    """Remove the containers that do not run and pass the filters (moby ContainersPrune).

    One that cannot be removed is logged and left. Emits `prune`. Raises Conflict, InvalidParameter.
    """
    with engine.pruning.exclusive():
        filters.validate(chosen, _ACCEPTED)
        until = until_of(chosen)
        report = PruneReport()
        for container in engine.containers:
            if _is_unused(container, chosen, until):
                await _prune(engine, container, report)
    engine.events.publish("container", "prune", "", {"reclaimed": str(report.space_reclaimed)})
    return report


def until_of(chosen: Filters) -> int | None:
    """Nanoseconds since the epoch; what has been made since then stays
    (getUntilFromPruneFilters). Raises InvalidParameter."""
    if "until" not in chosen:
        return None
    first, *more = chosen["until"] or [""]
    if more:
        raise InvalidParameter("more than one until filter specified")
    try:
        return get_timestamp(first)
    except RunnerError as err:
        raise InvalidParameter(err.message) from err


def _is_unused(container: Container, chosen: Filters, until: int | None) -> bool:
    if container.state.running:
        return False
    if until is not None and times.parse_ns(container.record.created) > until:
        return False
    return filters.prune_labels(chosen, container.config.labels or {})


async def _prune(engine: Engine, container: Container, report: PruneReport) -> None:
    try:
        size = await sizes.own(engine, container)
    except NotFound:  # its layer has gone already, or somebody else is removing it
        size = 0
    try:
        await container_rm(engine, container.id)
    except RunnerError as err:
        log.warning("failed to prune container: %s", err, extra={"container": container.id})
        return
    report.space_reclaimed += size
    report.containers_deleted = [*(report.containers_deleted or ()), container.id]
