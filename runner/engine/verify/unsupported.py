"""What dockerd can do and this engine cannot: said, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import NotImplementedYet

if TYPE_CHECKING:
    from runner.types.container import HostConfig


def refuse_unsupported(host_config: HostConfig) -> None:
    """Raise NotImplementedYet for the first setting that would have no effect."""
    wanted = (
        ("device requests (--gpus)", bool(host_config.device_requests)),
        ("storage options (--storage-opt)", bool(host_config.storage_opt)),
        ("user namespaces", host_config.userns_mode not in ("", "host")),
        ("containers in another container's cgroup", bool(host_config.cgroup)),
    )
    for what, is_wanted in wanted:
        if is_wanted:
            raise NotImplementedYet(f"{what} are not supported")
