"""Block IO limits (moby verifyPlatformContainerResources)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.sysinfo import SysInfo
    from runner.types.container import HostConfig

_DEVICE_LIMITS: Final = (
    (
        "blkio_weight_device",
        "blkio_weight_device",
        "Block I/O weight_device",
        "Weight-device",
    ),
    (
        "blkio_device_read_bps",
        "blkio_read_bps_device",
        "BPS Block I/O read limit",
        "Block I/O BPS read limit",
    ),
    (
        "blkio_device_write_bps",
        "blkio_write_bps_device",
        "BPS Block I/O write limit",
        "Block I/O BPS write limit",
    ),
    (
        "blkio_device_read_iops",
        "blkio_read_iops_device",
        "IOPS Block read limit",
        "Block I/O IOPS read limit",
    ),
    (
        "blkio_device_write_iops",
        "blkio_write_iops_device",
        "IOPS Block write limit",
        "Block I/O IOPS write limit",
    ),
)
"""HostConfig's field, SysInfo's fact, what the kernel lacks, what is discarded."""


def verify_block_io(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    """Yield warnings, discard what the kernel cannot do, raise InvalidParameter."""
    if host_config.blkio_weight > 0 and not sysinfo.blkio_weight:
        yield _warning("Block I/O weight", "Weight")
        host_config.blkio_weight = 0
    if host_config.blkio_weight and not 10 <= host_config.blkio_weight <= 1000:
        raise InvalidParameter("Range of blkio weight is from 10 to 1000")
    for setting, fact, lacks, discarded in _DEVICE_LIMITS:
        if getattr(host_config, setting) and not getattr(sysinfo, fact):
            yield _warning(lacks, discarded)
            setattr(host_config, setting, [])


def _warning(lacks: str, discarded: str) -> str:
    return (
        f"Your kernel does not support {lacks} or the cgroup is not mounted. {discarded} discarded."
    )
