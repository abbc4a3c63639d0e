from __future__ import annotations

from typing import Any

import pytest

from runner.oci.devices import device_cgroup_rules
from runner.oci.spec import LinuxDeviceCgroup
from runner.types.container import DeviceMapping, DeviceRequest, HostConfig
from runner.types.errors import InvalidParameter, System
from tests.unit.oci import support

KMSG = {"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11, "fileMode": 0o644}


def files(**devices: Any) -> dict[str, Any]:
    return support.NOTHING | {"devices": {f"/dev/{name}": found for name, found in devices.items()}}


def mapping(host: str, container: str = "", access: str = "rwm") -> DeviceMapping:
    return DeviceMapping(
        path_on_host=host, path_in_container=container or host, cgroup_permissions=access
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("c 1:3 rwm", LinuxDeviceCgroup(True, "c", 1, 3, "rwm")),
        ("a *:* w", LinuxDeviceCgroup(True, "a", None, None, "w")),
        ("b 8:* rr", LinuxDeviceCgroup(True, "b", 8, None, "rr")),
    ],
)
def test_rules(rule: str, expected: LinuxDeviceCgroup) -> None:
    assert device_cgroup_rules([rule]) == [expected]


@pytest.mark.parametrize(
    "rule",
    ["", "c", "d 1:3 r", "c 1:3", "c 1:3 x", "c 1:3 rwmr", "c -1:3 r", "c 1:3 r\n", "c ١:3 r"],
)
def test_bad_rules(rule: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        device_cgroup_rules([rule])
    assert str(caught.value) == f"invalid device cgroup rule format: '{rule}'"


def test_numbers_that_are_too_large() -> None:
    rule = f"c {2**63}:1 r"
    with pytest.raises(InvalidParameter) as caught:
        device_cgroup_rules([rule])
    assert str(caught.value) == f"invalid major value in device cgroup rule format: '{rule}'"


def test_a_device_under_another_name() -> None:
    made = support.spec(
        settings=HostConfig(devices=[mapping("/dev/kmsg", "/dev/log", "r")]),
        on=support.host(files=files(kmsg=KMSG)),
    )
    assert [(device.path, device.minor) for device in made.linux.devices] == [("/dev/log", 11)]
    assert made.linux.resources.devices[-1] == LinuxDeviceCgroup(True, "c", 1, 11, "r")


@pytest.mark.parametrize(
    ("path", "problem"),
    [("/dev/none", "no such file or directory"), ("/dev/dir", "not a device node")],
)
def test_no_device(path: str, problem: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        support.spec(
            settings=HostConfig(devices=[mapping(path)]), on=support.host(files=files(dir=[]))
        )
    assert str(caught.value) == (
        f'error gathering device information while adding custom device "{path}": {problem}'
    )


def test_no_device_drivers() -> None:
    wanted = DeviceRequest(capabilities=[["gpu", "nvidia"], ["tpu"]])
    with pytest.raises(System) as caught:
        support.spec(settings=HostConfig(device_requests=[wanted]))
    assert str(caught.value) == (
        'could not select device driver "" with capabilities: [[gpu nvidia] [tpu]]'
    )
