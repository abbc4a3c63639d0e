"""Device nodes and the devices cgroup (moby WithDevices, oci/devices_linux.go)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.oci.defaults import default_device_rules
from runner.oci.hostfiles import NotADevice
from runner.oci.spec import LinuxDevice, LinuxDeviceCgroup
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.oci.host import Host
    from runner.oci.hostfiles import HostFiles
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec
    from runner.types.container import DeviceMapping, DeviceRequest

_CGROUP_RULE: Final = re.compile(r"([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})", re.ASCII)
_INT64_MAX: Final = (1 << 63) - 1
_ALL_ACCESS: Final = "rwm"


def with_devices(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Make the nodes and allow their use. Raises InvalidParameter, and System for --gpus."""
    settings, files = request.host_config, host.files
    if settings.privileged:
        devices, rules = _privileged(settings.devices or [], files)
    else:
        devices, rules = _mapped(settings.devices or [], files)
        # dockerd starts from the default rules here and appends the sum to them: twice the same
        # has the same effect, and specs stay equal to dockerd's.
        rules = [
            *default_device_rules(),
            *rules,
            *device_cgroup_rules(settings.device_cgroup_rules or []),
        ]
    spec.linux.devices += devices
    spec.linux.resources.devices += rules
    for wanted in settings.device_requests or []:
        handle_device(wanted)


def device_cgroup_rules(rules: Iterable[str]) -> list[LinuxDeviceCgroup]:
    """--device-cgroup-rule (AppendDevicePermissionsFromCgroupRules). Raises InvalidParameter."""
    return [_device_cgroup_rule(rule) for rule in rules]


def devices_from_path(
    mapping: DeviceMapping, access: str, files: HostFiles
) -> tuple[list[LinuxDevice], list[LinuxDeviceCgroup]]:
    """The node, or all nodes of a directory tree, and the rules that allow them
    (DevicesFromPath). Raises InvalidParameter when there is none."""
    path = files.resolve(mapping.path_on_host)
    devices, problem = _find(path, mapping.path_in_container, files)
    if not devices:
        raise InvalidParameter(
            "error gathering device information while adding custom device "
            f'"{mapping.path_on_host}": {problem}'
        )
    return devices, [_allow(device, access) for device in devices]


def handle_device(wanted: DeviceRequest) -> None:
    """No device drivers (GPUs, CDI) are known here. Raises System, as dockerd without them does."""
    lists = " ".join(f"[{' '.join(names)}]" for names in wanted.capabilities or [])
    raise System(
        f"could not select device driver {json.dumps(wanted.driver, ensure_ascii=False)} "
        f"with capabilities: [{lists}]"
    )


def _privileged(
    mappings: Iterable[DeviceMapping], files: HostFiles
) -> tuple[list[LinuxDevice], list[LinuxDeviceCgroup]]:
    """All of /dev; of the mappings, those under another name. Access limits have no effect."""
    devices = files.host_devices()
    for mapping in mappings:
        if mapping.path_on_host != mapping.path_in_container:
            devices += devices_from_path(mapping, _ALL_ACCESS, files)[0]
    return devices, [LinuxDeviceCgroup(allow=True, access=_ALL_ACCESS)]


def _mapped(
    mappings: Iterable[DeviceMapping], files: HostFiles
) -> tuple[list[LinuxDevice], list[LinuxDeviceCgroup]]:
    devices: list[LinuxDevice] = []
    rules: list[LinuxDeviceCgroup] = []
    for mapping in mappings:
        found, allowed = devices_from_path(mapping, mapping.cgroup_permissions, files)
        devices += found
        rules += allowed
    return devices, rules


def _find(path: str, in_container: str, files: HostFiles) -> tuple[list[LinuxDevice], str]:
    try:
        device = files.device(path)
    except NotADevice:
        return _find_below(path, in_container, files), "not a device node"
    except OSError as err:
        return [], error_text(err)
    device.path = in_container
    return [device], ""


def _find_below(directory: str, in_container: str, files: HostFiles) -> list[LinuxDevice]:
    try:
        devices = files.devices_below(directory)
    except OSError:
        return []  # dockerd does not tell either
    for device in devices:
        device.path = device.path.replace(directory, in_container, 1)
    return devices


def _allow(device: LinuxDevice, access: str) -> LinuxDeviceCgroup:
    return LinuxDeviceCgroup(
        allow=True, type=device.type, major=device.major, minor=device.minor, access=access
    )


def _device_cgroup_rule(rule: str) -> LinuxDeviceCgroup:
    found = _CGROUP_RULE.fullmatch(rule)
    if found is None:
        raise InvalidParameter(f"invalid device cgroup rule format: '{rule}'")
    kind, major, minor, access = found.groups()
    return LinuxDeviceCgroup(
        allow=True,
        type=kind,
        major=_number(major, "major", rule),
        minor=_number(minor, "minor", rule),
        access=access,
    )


def _number(text: str, which: str, rule: str) -> int | None:
    """None for any, as the runtime specification has it. dockerd writes -1, which runc takes for
    the same, and which crun writes to devices.allow as it is, for the kernel to refuse."""
    if text == "*":
        return None
    if int(text) > _INT64_MAX:
        raise InvalidParameter(f"invalid {which} value in device cgroup rule format: '{rule}'")
    return int(text)
