"""New limits and a new restart policy for a container that exists (moby daemon/update.go).

What the user does not name stays as it was; what does not fit what was there before is a conflict.
A container that runs gets its limits at once, and keeps the old ones if the runtime refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from runner.engine.verify import verify_container_settings
from runner.oci.resources import get_pids_limit
from runner.oci.spec import LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxResources
from runner.types.errors import Conflict, NotFound, RunnerError, System

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.types.container import HostConfig

_CFS_PERIOD: Final = 100_000
"""Microseconds, for --cpus."""
_LIMITS: Final = (
    *("blkio_weight", "cpu_shares", "nano_cpus", "cpu_period", "cpu_quota"),
    *("cpuset_cpus", "cpuset_mems", "memory", "memory_swap", "memory_reservation"),
    *("kernel_memory", "cpu_realtime_period", "cpu_realtime_runtime"),
)
"""Those that can change; 0 and "" leave them alone. `pids_limit` can, too, and None leaves it."""


async def container_update(engine: Engine, reference: str, wanted: HostConfig) -> list[str]:
    """Change the container's limits and restart policy; the warnings (moby ContainerUpdate).

    Of `wanted` only those are looked at. Emits `update`. Raises InvalidParameter for what this
    host cannot do, NotFound, Conflict with what is set already, System from the runtime.
    """
    config = engine.config
    warnings = verify_container_settings(
        None, wanted, engine.sysinfo, config.default_runtime, update=True
    )
    container = engine.containers.get(reference)
    try:
        await _update(engine, container, wanted)
    except RunnerError as err:
        if container.removed:
            raise NotFound(f"No such container: {reference}") from err
        raise err.wrap(f"Cannot update container {container.id}") from err
    return warnings


async def _update(engine: Engine, container: Container, wanted: HostConfig) -> None:
    """Locked to the end: what is taken back must not be another update's."""
    async with container.lock:
        before, state = container.host_config, container.state
        if state.removal_in_progress or state.dead:
            raise RunnerError('container is marked for removal and cannot be "update"')
        _set_host_config(engine, container, updated(before, wanted))
        try:
            if state.running and not state.restarting:
                await _update_task(engine, container, wanted)
        except RunnerError:
            _set_host_config(engine, container, before)
            raise
        finally:
            engine.events.log_container(container, "update")


def _set_host_config(engine: Engine, container: Container, host_config: HostConfig) -> None:
    """Commit it; the restart manager, if there is one, follows the new policy."""
    container.record.host_config = host_config
    engine.containers.checkpoint(container)
    container.get_restart_manager().set_policy(host_config.restart_policy)


async def _update_task(engine: Engine, container: Container, wanted: HostConfig) -> None:
    resources = msgspec.json.encode(to_containerd_resources(wanted))
    try:
        await engine.containerd.tasks.update(container.id, resources)
    except RunnerError as err:
        raise System(err.message) from err


def updated(current: HostConfig, wanted: HostConfig) -> HostConfig:
    """The settings with what is wanted of them (moby UpdateContainer). Raises Conflict."""
    _check_cpus(current, wanted)
    if wanted.memory > current.memory_swap and wanted.memory and not wanted.memory_swap:
        raise Conflict(
            "Memory limit should be smaller than already set memoryswap limit, "
            "update the memoryswap at the same time"
        )
    changes = {name: value for name in _LIMITS if (value := getattr(wanted, name))}
    if wanted.pids_limit is not None:
        changes["pids_limit"] = wanted.pids_limit
    if wanted.restart_policy.name:
        if current.auto_remove and wanted.restart_policy.name != "no":
            raise Conflict(
                "Restart policy cannot be updated because AutoRemove is enabled for the container"
            )
        changes["restart_policy"] = wanted.restart_policy
    return msgspec.structs.replace(current, **changes)


def _check_cpus(current: HostConfig, wanted: HostConfig) -> None:
    """--cpus on the one hand, period and quota on the other: a container has either."""
    for name, title in (("cpu_period", "CPU Period"), ("cpu_quota", "CPU Quota")):
        if wanted.nano_cpus > 0 and getattr(current, name) > 0:
            raise Conflict(
                f"Conflicting options: Nano CPUs cannot be updated as {title} has already been set"
            )
    for name, title in (("cpu_period", "CPU Period"), ("cpu_quota", "CPU Quota")):
        if getattr(wanted, name) > 0 and current.nano_cpus > 0:
            raise Conflict(
                f"Conflicting options: {title} cannot be updated as NanoCPUs has already been set"
            )


def to_containerd_resources(wanted: HostConfig) -> LinuxResources:
    """What the runtime is to change (moby toContainerdResources)."""
    memory = LinuxMemory(
        limit=wanted.memory or None,
        reservation=wanted.memory_reservation or None,
        swap=wanted.memory_swap if wanted.memory_swap > 0 else None,
        kernel=wanted.kernel_memory or None,
    )
    cpu = LinuxCPU(
        shares=wanted.cpu_shares % 2**64 or None,  # unsigned: the runtime refuses -1 as too large
        period=_CFS_PERIOD if wanted.nano_cpus else wanted.cpu_period or None,
        quota=wanted.nano_cpus * _CFS_PERIOD // 1_000_000_000 or wanted.cpu_quota or None,
        cpus=wanted.cpuset_cpus,
        mems=wanted.cpuset_mems,
    )
    return LinuxResources(
        memory=memory if memory != LinuxMemory() else None,
        cpu=cpu if cpu != LinuxCPU() else None,
        pids=get_pids_limit(wanted),
        block_io=LinuxBlockIO(weight=wanted.blkio_weight) if wanted.blkio_weight else None,
    )
