"""Are a container's settings sound, and can this machine do them? (moby verifyContainerSettings)

Pure: what the machine can do comes as a SysInfo, and only bind sources are looked for on the host.
A topic is a generator that yields warnings, raises InvalidParameter in dockerd's words, and
discards from HostConfig what the kernel cannot do, as dockerd does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine.verify import (
    block_io,
    container,
    cpu,
    host,
    memory,
    platform,
    request,
    unsupported,
)

if TYPE_CHECKING:
    from runner.engine.sysinfo import SysInfo
    from runner.types.container import Config, HostConfig


def verify_container_settings(
    config: Config | None,
    host_config: HostConfig,
    sysinfo: SysInfo,
    default_runtime: str = "runc",
    *,
    update: bool = False,
) -> list[str]:
    """Check everything, in dockerd's order; the warnings for the user.

    At a start `config` is None: only the host may have changed. For an `update`, too, and
    `host_config` is what is to change. Raises InvalidParameter, and
    NotImplementedYet for what dockerd could do and this engine cannot.
    """
    if config is not None:
        request.validate_create_request(config, host_config, sysinfo)
        container.validate_container_config(config)
    warnings = [
        *host.validate_host_config(host_config, sysinfo),
        *memory.verify_memory(host_config, sysinfo, update=update),
        *cpu.verify_cpu(host_config, sysinfo),
        *block_io.verify_block_io(host_config, sysinfo),
        *platform.verify_platform_settings(host_config, sysinfo, default_runtime),
    ]
    unsupported.refuse_unsupported(host_config)
    return warnings


__all__ = ["verify_container_settings"]
