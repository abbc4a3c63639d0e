"""Machines to verify settings on."""

from __future__ import annotations

import dataclasses

from runner.engine.sysinfo import SysInfo
from runner.engine.verify import verify_container_settings
from runner.types.capabilities import KNOWN_CAPABILITIES
from runner.types.container import Config, HostConfig

_FACTS = {field.name: True for field in dataclasses.fields(SysInfo) if field.type == "bool"}

ABLE = SysInfo(
    **{**_FACTS, "ipv4_forwarding_disabled": False, "systemd_cgroups": False},
    cpus="0-3",
    mems="0",
    cpu_sets=frozenset(range(4)),
    mem_sets=frozenset({0}),
    cpu_count=4,
    capabilities=KNOWN_CAPABILITIES,
)
"""It can do everything."""

BARE = SysInfo(cpu_count=4)
"""It has no cgroups at all."""


def verify(
    sysinfo: SysInfo = ABLE, *, config: Config | None = None, **settings: object
) -> tuple[list[str], HostConfig]:
    """The warnings, and HostConfig after what was discarded."""
    host_config = HostConfig(**settings)  # type: ignore[arg-type]
    return verify_container_settings(config or Config(), host_config, sysinfo), host_config
