"""`update` (docker/cli runUpdate)."""

from __future__ import annotations

from runner.cli.container.each import one_by_one
from runner.cli.context import say
from runner.cli.create import policies
from runner.cli.errors import CliError
from runner.client import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import UpdateOptions


def run(context: Context, options: UpdateOptions) -> int:
    """Change limits and restart policies, and print the containers' names."""
    body = _body(options)
    client = context.client()
    warnings: list[str] = []

    def update(name: str) -> str:
        warnings.extend(containers.update(client, name, body).get("Warnings") or [])
        return name

    try:
        return one_by_one(options.containers, update)
    finally:
        if warnings:
            say("\n".join(warnings))


def _body(options: UpdateOptions) -> dict[str, Any]:
    """What was given; the engine leaves alone what is not."""
    given = {
        "BlkioWeight": options.blkio_weight,
        "CpuPeriod": options.cpu_period,
        "CpuQuota": options.cpu_quota,
        "CpuRealtimePeriod": options.cpu_rt_period,
        "CpuRealtimeRuntime": options.cpu_rt_runtime,
        "CpusetCpus": options.cpuset_cpus,
        "CpusetMems": options.cpuset_mems,
        "CpuShares": options.cpu_shares,
        "Memory": options.memory,
        "MemoryReservation": options.memory_reservation,
        "MemorySwap": options.memory_swap,
        "KernelMemory": options.kernel_memory,
        "NanoCpus": options.cpus,
        "PidsLimit": options.pids_limit or None,
    }
    if options.restart is None and options.pids_limit is None and not _any(given):
        raise CliError("you must provide one or more flags when using this command")
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if policy := policies.restart(options.restart or ""):
        body["RestartPolicy"] = policy
    return body


def _any(given: dict[str, Any]) -> bool:
    return any(value is not None for value in given.values())
