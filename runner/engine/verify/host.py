"""What HostConfig says on any platform (moby validateHostConfig)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from runner.engine.verify.ports import validate_port_bindings
from runner.oci.capabilities import normalize_legacy_capabilities
from runner.types.errors import InvalidParameter
from runner.types.gotext import quote
from runner.volume import validate_mount_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.sysinfo import SysInfo
    from runner.types.container import HostConfig, RestartPolicy

HOST_GATEWAY: Final = "host-gateway"
"""In --add-host: the host's own address."""


def validate_host_config(host_config: HostConfig, sysinfo: SysInfo) -> Iterator[str]:
    """Yield warnings, raise InvalidParameter."""
    if host_config.auto_remove and host_config.restart_policy.name not in ("", "no"):
        raise InvalidParameter("can't create 'AutoRemove' container with restart policy")
    for mount in host_config.mounts or []:
        if mount.type == "image":
            yield "Image mount is an experimental feature"
        validate_mount_config(mount)
    for extra_host in host_config.extra_hosts or []:
        validate_extra_host(extra_host)
    validate_port_bindings(host_config.port_bindings or {})
    validate_restart_policy(host_config.restart_policy)
    validate_capabilities(host_config, sysinfo)
    if "" in (host_config.annotations or {}):
        raise InvalidParameter(
            "invalid Annotations: the empty string is not permitted as an annotation key"
        )


def validate_extra_host(text: str) -> None:
    """`name:address`, or `name:host-gateway` (opts.ValidateExtraHost)."""
    name, colon, address = text.partition(":")
    if not colon or not name:
        raise InvalidParameter(f"bad format for add-host: {quote(text)}")
    if address != HOST_GATEWAY and not _is_ip_address(address.strip()):
        raise InvalidParameter(f"invalid IP address in add-host: {quote(address)}")


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # Go's net.ParseIP knows no zones


def validate_restart_policy(policy: RestartPolicy) -> None:
    """container.ValidateRestartPolicy."""
    count = policy.maximum_retry_count
    match policy.name:
        case "always" | "unless-stopped" | "no":
            if count:
                negative = " and cannot be negative" if count < 0 else ""
                raise InvalidParameter(
                    "invalid restart policy: maximum retry count can only be used with "
                    f"'on-failure'{negative}"
                )
        case "on-failure":
            if count < 0:
                raise InvalidParameter(
                    "invalid restart policy: maximum retry count cannot be negative"
                )
        case "":
            pass  # with any count: what engines before 25 have stored
        case unknown:
            raise InvalidParameter(
                f"invalid restart policy: unknown policy '{unknown}'; "
                "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            )


def validate_capabilities(host_config: HostConfig, sysinfo: SysInfo) -> None:
    """All names are known to the kernel."""
    for option, names in (("CapAdd", host_config.cap_add), ("CapDrop", host_config.cap_drop)):
        try:
            normalize_legacy_capabilities(names or [], sysinfo.capabilities)
        except InvalidParameter as err:
            raise err.wrap(f"invalid {option}") from err
