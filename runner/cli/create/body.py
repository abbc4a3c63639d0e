"""The body of POST /containers/create (docker/cli parse): Config, HostConfig, NetworkingConfig.

What was not asked for is left out where the engine reads absence as Go's zero value.
"""

from __future__ import annotations

import os

from runner.cli.create import (
    devices,
    files,
    network,
    policies,
    ports,
    resources,
    security,
    volumes,
)
from runner.cli.errors import CliError
from runner.cli.values.addresses import is_mac

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.declarations.create import ContainerFlags


def build(options: ContainerFlags, image: str, command: list[str]) -> dict[str, Any]:
    """The whole body. Raises CliError with docker's text, in docker's order of checks."""
    if options.mac_address and not is_mac(options.mac_address):
        raise CliError(f"{options.mac_address} is not a valid mac address")
    swappiness = options.memory_swappiness
    if swappiness is not None and swappiness != -1 and not 0 <= swappiness <= 100:
        raise CliError(f"invalid value: {swappiness}. Valid memory swappiness range is 0-100")
    binds, anonymous = volumes.split(options.volume or [])
    exposed, bindings = ports.parse(options.publish or [], options.expose or [])
    host = _host(options) | {"Binds": binds or None, "PortBindings": bindings}
    config = _config(options) | {
        "Image": image,
        "Cmd": command or None,
        "ExposedPorts": exposed,
        "Volumes": anonymous,
    }
    if options.rm and host["RestartPolicy"].get("Name", "no") not in ("", "no"):
        raise CliError("conflicting options: cannot specify both --restart and --rm")
    return (
        _without_zeros(config)
        | {"HostConfig": _without_zeros(host)}
        | {"NetworkingConfig": {"EndpointsConfig": network.endpoints(options)}}
    )


_MEANT_EVEN_WHEN_ZERO = frozenset({"Init", "MemorySwappiness", "StopTimeout"})


def _without_zeros(settings: dict[str, Any]) -> dict[str, Any]:
    """Drop what says nothing; an empty list stays, it is not null."""
    return {
        key: value
        for key, value in settings.items()
        if (value if key not in _MEANT_EVEN_WHEN_ZERO else value is not None)
        or isinstance(value, list)
    }


def _config(options: ContainerFlags) -> dict[str, Any]:
    attached = options.attach or []
    stdin = options.interactive or "stdin" in attached
    environment = files.read(options.env_file or [], os.environ) + _unique(options.env or [])
    labels = files.to_map(files.read(options.label_file or []) + (options.label or []))
    return {
        "Hostname": options.hostname,
        "Domainname": options.domainname,
        "User": options.user,
        "AttachStdin": stdin,
        "AttachStdout": not attached or "stdout" in attached,
        "AttachStderr": not attached or "stderr" in attached,
        "Tty": options.tty,
        "OpenStdin": options.interactive,
        "StdinOnce": options.interactive and stdin,
        "Env": environment or None,
        "Entrypoint": None if options.entrypoint is None else [options.entrypoint],
        "WorkingDir": options.workdir,
        "Labels": labels,
        "StopSignal": options.stop_signal,
        "StopTimeout": options.stop_timeout,
        "Healthcheck": policies.health(options),
    }


def _unique(variables: list[str]) -> list[str]:
    """Each name once, with the value given last."""
    return list({text.partition("=")[0]: text for text in variables}.values())


def _host(options: ContainerFlags) -> dict[str, Any]:
    mapped, cdi = devices.parse(options.device or [])
    policies.check_namespaces(options)
    restart = policies.restart("no" if options.restart is None else options.restart)
    logs = policies.logging(options.log_driver or "", options.log_opt or [])
    security_options, unmasked = security.parse(options.security_opt or [])
    host = {
        "ContainerIDFile": options.cidfile,
        "LogConfig": logs,
        "NetworkMode": network.mode(options),
        "RestartPolicy": restart,
        "AutoRemove": options.rm,
        "VolumeDriver": options.volume_driver,
        "VolumesFrom": options.volumes_from or None,
        "Annotations": files.to_map(options.annotation or []),
        "CapAdd": security.capabilities(options.cap_add),
        "CapDrop": security.capabilities(options.cap_drop),
        "CgroupnsMode": options.cgroupns,
        "Dns": options.dns or [],
        "DnsOptions": options.dns_option or [],
        "DnsSearch": options.dns_search or [],
        "ExtraHosts": options.add_host or None,
        "GroupAdd": options.group_add or None,
        "IpcMode": options.ipc,
        "Links": options.link or None,
        "PidMode": options.pid,
        "Privileged": options.privileged,
        "PublishAllPorts": options.publish_all,
        "ReadonlyRootfs": options.read_only,
        "SecurityOpt": security_options or None,
        "StorageOpt": policies.storage(options.storage_opt or []),
        "Tmpfs": volumes.tmpfs(options.tmpfs or []),
        "UTSMode": options.uts,
        "UsernsMode": options.userns,
        "ShmSize": options.shm_size,
        "Sysctls": files.to_map(options.sysctl or []),
        "Runtime": options.runtime,
        "Isolation": options.isolation,
        "Mounts": options.mount or None,
        "Init": options.init,
        "Devices": mapped,
        "DeviceRequests": devices.requests(options.gpus or [], cdi) or None,
    }
    if unmasked:
        host |= {"MaskedPaths": [], "ReadonlyPaths": []}
    return host | resources.limits(options)
