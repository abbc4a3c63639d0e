"""The verbs of volumes (moby volume/service.VolumesService)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from runner.types import filters, times
from runner.types.errors import InvalidParameter, NotFound, RunnerError
from runner.types.gotext import parse_bool
from runner.types.volume import PruneReport, UsageData, Volume
from runner.volume import ANONYMOUS_LABEL, tree_size

if TYPE_CHECKING:
    from runner.engine.engine import Engine
    from runner.types.filters import Filters
    from runner.types.volume import CreateOptions
    from runner.volume import Volume as LocalVolume

log = logging.getLogger(__name__)

_LISTED_BY: Final = frozenset({"dangling", "name", "driver", "label"})
_PRUNED_BY: Final = frozenset({"label", "label!", "all"})


async def volume_create(engine: Engine, options: CreateOptions) -> Volume:
    """The volume of that name, made if it is missing; without a name an anonymous one (Create).

    Emits `create`. Raises InvalidParameter, NotFound (no such driver), System.
    """
    volume = await engine.volumes.create(
        options.name, options.driver, options=options.driver_opts, labels=options.labels
    )
    return describe(volume)


async def volume_inspect(engine: Engine, name: str) -> Volume:
    """All about the volume (Get). Raises NotFound."""
    return describe(await engine.volumes.get(name))


def volume_list(engine: Engine, chosen: Filters) -> list[Volume]:
    """Those that pass the filters, by name (List). Raises InvalidParameter."""
    filters.validate(chosen, _LISTED_BY)
    dangling = filters.boolean(chosen, "dangling")
    return [
        describe(volume)
        for volume in engine.volumes.volumes()
        if filters.exact(chosen, "driver", volume.driver)
        and filters.pattern(chosen, "name", volume.name)
        and filters.labels(chosen, "label", volume.labels or {})
        and dangling in (None, not engine.volumes.references(volume.name))
    ]


async def volume_rm(engine: Engine, name: str, *, force: bool) -> None:
    """Delete the volume with its content (Remove); with `force`, one that is gone is no error.

    Emits `destroy`. Raises NotFound, Conflict while containers have it, System.
    """
    try:
        await engine.volumes.remove(name)
    except NotFound:
        if not force:
            raise


async def volumes_prune(engine: Engine, chosen: Filters) -> PruneReport:
    """Delete the volumes that no container has: the anonymous ones, or with `all` any (Prune).

    Those with options are left, since their content may be anywhere; one that cannot be deleted is
    logged and left. Emits `prune`. Raises Conflict while another goes on, InvalidParameter.
    """
    with engine.pruning.exclusive("volumes"):
        chosen = _also_anonymous(chosen)
        filters.validate(chosen, _PRUNED_BY)
        report = PruneReport(volumes_deleted=[])
        for volume in engine.volumes.volumes():
            if _is_unused(engine, volume, chosen):
                await _prune(engine, volume, report)
    engine.events.publish("volume", "prune", "", {"reclaimed": str(report.space_reclaimed)})
    return report


def _also_anonymous(chosen: Filters) -> Filters:
    """Only anonymous volumes, unless the filter `all` says otherwise (withPrune)."""
    values = chosen.get("all", ())
    if len(values) > 1:
        shown = " ".join(values)
        raise InvalidParameter(f"invalid filter 'all=[{shown}]': only one value is expected")
    try:
        if any(parse_bool(value) for value in values):
            return chosen
    except ValueError as err:
        raise InvalidParameter(f"invalid filter 'all': {err}") from err
    return {**chosen, "label": [*chosen.get("label", ()), ANONYMOUS_LABEL]}


def _is_unused(engine: Engine, volume: LocalVolume, chosen: Filters) -> bool:
    return (
        not engine.volumes.references(volume.name)
        and not volume.options
        and filters.prune_labels(chosen, volume.labels or {})
    )


async def _prune(engine: Engine, volume: LocalVolume, report: PruneReport) -> None:
    size = max(await measure(volume), 0)
    try:
        await engine.volumes.remove(volume.name)
    except RunnerError as err:
        log.warning("failed to prune volume %s: %s", volume.name, err)
        return
    report.space_reclaimed += size
    report.volumes_deleted.append(volume.name)


async def volumes_usage(engine: Engine) -> list[Volume]:
    """Those that lie on this host's disk, with their sizes (LocalVolumesSize)."""
    local = [volume for volume in engine.volumes.volumes() if not volume.options]
    return [await _with_usage(engine, volume) for volume in local]


async def _with_usage(engine: Engine, volume: LocalVolume) -> Volume:
    described = describe(volume)
    references = len(engine.volumes.references(volume.name))
    described.usage_data = UsageData(references, await measure(volume))
    return described


async def measure(volume: LocalVolume) -> int:
    """Bytes of the volume's content, or -1 when they cannot be counted, which is logged."""
    try:
        return await asyncio.to_thread(tree_size, volume.mountpoint)
    except OSError as err:
        log.warning("Failed to determine size of volume %s: %s", volume.name, err)
        return -1


def describe(volume: LocalVolume) -> Volume:
    """The volume as the Engine API shows it (volumeToAPIType)."""
    return Volume(
        created_at=times.to_local_seconds(volume.created_at),
        driver=volume.driver,
        labels=volume.labels,
        mountpoint=str(volume.mountpoint),
        name=volume.name,
        options=volume.options,
    )
