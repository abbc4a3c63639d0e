"""Removing networks (moby daemon/network.go deleteNetwork, daemon/prune.go)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from runner.engine.network_connect import has_ended
from runner.engine.networks import PREDEFINED, attachments, log_network
from runner.engine.prune import until_of
from runner.types import filters, times
from runner.types.errors import Conflict, Forbidden, RunnerError
from runner.types.gotext import quote
from runner.types.ids import truncate_id
from runner.types.network import NetworksPruneReport

if TYPE_CHECKING:
    from runner.engine.engine import Engine
    from runner.network import NetworkRecord
    from runner.types.filters import Filters

log = logging.getLogger(__name__)

_PRUNE_FILTERS: Final = frozenset({"label", "label!", "until"})
_PATIENCE: Final = 20.0
"""Seconds that containers which have ended get to leave the network."""


async def network_remove(engine: Engine, term: str) -> None:
    """Remove a network that no running container is on (moby DeleteNetwork).

    Raises NotFound, Forbidden for the predefined ones and those in use, System when something of
    it stays.
    """
    await _remove(engine, engine.networks.find(term))


async def _remove(engine: Engine, record: NetworkRecord) -> None:
    if record.name in PREDEFINED:
        raise Forbidden(f"{record.name} is a pre-defined network and cannot be removed")
    what = "error while removing network"
    if record.config_only:
        if any(other.config_from == record.name for other in engine.networks):
            raise Forbidden(f'{what}: configuration network "{record.name}" is in use')
        engine.networks.delete(record.id)
        return
    _check_unused(engine, record, what)
    await _settled(engine, record)
    try:
        await engine.network.remove_network(record.id)
    except Conflict as err:  # somebody has joined it meanwhile
        _check_unused(engine, record, what)
        raise Forbidden(f"{what}: {err}") from err
    engine.networks.delete(record.id)
    log_network(engine, record, "destroy")


def _check_unused(engine: Engine, record: NetworkRecord, what: str) -> None:
    endpoints = [
        f"name:{quote(endpoint.name)} id:{quote(truncate_id(endpoint.endpoint_id))}"
        for _, endpoint in attachments(engine, record)
    ]
    if endpoints:
        raise Forbidden(
            f"{what}: network {record.name} has active endpoints ({', '.join(endpoints)})"
        )


async def _settled(engine: Engine, record: NetworkRecord) -> None:
    """Wait for containers that have ended, for their clients, to be off the network: their teardown
    comes after they are told."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            while any(map(partial(has_ended, engine), engine.network.uses(record.id))):
                await engine.network.next_release()


async def networks_prune(engine: Engine, chosen: Filters) -> NetworksPruneReport:
    """Remove the networks that nobody is on and that pass the filters (moby NetworksPrune).

    One that cannot be removed is logged and left. Emits `prune`. Raises Conflict,
    InvalidParameter.
    """
    with engine.pruning.exclusive():
        filters.validate(chosen, _PRUNE_FILTERS)
        until = until_of(chosen)
        report = NetworksPruneReport()
        for record in engine.networks:
            if _is_unused(engine, record, chosen, until):
                await _prune(engine, record, report)
    engine.events.publish("network", "prune", "", {"reclaimed": "0"})
    return report


def _is_unused(engine: Engine, record: NetworkRecord, chosen: Filters, until: int | None) -> bool:
    if record.name in PREDEFINED or record.config_only or any(attachments(engine, record)):
        return False
    if until is not None and times.parse_ns(record.created) > until:
        return False
    return filters.prune_labels(chosen, record.labels)


async def _prune(engine: Engine, record: NetworkRecord, report: NetworksPruneReport) -> None:
    try:
        await _remove(engine, record)
    except RunnerError as err:
        log.warning("could not remove local network %s: %s", record.name, err)
        return
    report.networks_deleted = [*(report.networks_deleted or ()), record.name]
