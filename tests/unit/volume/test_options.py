"""Options of the local driver."""

import re
from pathlib import Path

import pytest

from runner.types.errors import InvalidParameter, System
from runner.volume import options as module
from runner.volume.options import Device, device_of, mount_device, validate_options


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"foo": "bar"}, 'invalid option: "foo"'),
        ({"type": "tmpfs"}, 'missing required option: "device"'),
        ({"device": "x"}, 'missing required option: "type"'),
        ({"o": "ro"}, 'missing required option: "device"'),
        ({"size": "1m"}, "quota size requested but no quota support"),
        ({"size": "x"}, "invalid size: 'x'"),
        (
            {"type": "cifs", "device": "//host:445/x"},
            "port not allowed in CIFS device URL, include 'port' in 'o='",
        ),
    ],
)
def test_wrong_options(options: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        validate_options(options)


@pytest.mark.parametrize(
    "options",
    [{}, {"type": "none", "device": "/x", "o": "bind"}, {"size": "0"}],
)
def test_right_options(options: dict[str, str]) -> None:
    validate_options(options)


def test_what_is_mounted() -> None:
    assert device_of({}) is None
    assert device_of({"size": "0"}) is None
    found = device_of({"type": "nfs", "device": ":/x", "o": "addr=h"})
    assert found == Device(":/x", "nfs", "addr=h")


@pytest.mark.parametrize(
    ("device", "source", "options"),
    [
        (Device(":/x", "nfs", "addr=host,rw"), ":/x", "addr=192.0.2.1,rw"),
        (Device(":/x", "nfs", "addr=192.0.2.9"), ":/x", "addr=192.0.2.9"),
        (Device("//host/x", "cifs", "rw"), "//192.0.2.1/x", "rw"),
        (Device("//192.0.2.9/x", "cifs", "rw"), "//192.0.2.9/x", "rw"),
        (Device("host", "ext4", "addr=host"), "host", "addr=host"),
    ],
)
def test_servers_are_looked_up(
    device: Device, source: str, options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_look_up", lambda host: "192.0.2.1")
    assert module._resolved(device) == (source, options)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    with pytest.raises(System, match="error resolving passed in network volume address: lookup"):
        mount_device(Device(":/x", "nfs", "addr=no-such-host.invalid"), Path("/nowhere"))


def test_a_failed_mount_hides_the_password() -> None:
    with pytest.raises(System) as caught:
        mount_device(Device("dev", "nosuchfs", "ro,password=secret,x"), Path("/nowhere"))
    assert re.fullmatch(
        r"failed to mount local volume: mount dev:/nowhere, flags: 0x1, "
        r"data: password=\*{8},x: .+",
        str(caught.value),
    )


def test_a_device_must_be_named() -> None:
    with pytest.raises(System, match="missing device in volume options"):
        mount_device(Device("", "tmpfs", ""), Path("/nowhere"))
