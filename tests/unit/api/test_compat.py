"""Requests of older clients, brought into today's form."""

from __future__ import annotations

from typing import Any

import pytest

from runner.api.compat import adapt_create, adapt_update
from runner.api.version import ApiVersion, check_version
from runner.types import wire
from runner.types.container import CreateRequest, HostConfig
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.network import EndpointSettings, NetworkingConfig


class Request:
    """A create request, adapted."""

    def __init__(self, version: str, body: dict[str, Any]) -> None:
        request = wire.from_wire({"Image": "x", **body}, CreateRequest)
        self.config = request
        self.host = request.host_config or HostConfig()
        networking = request.networking_config or NetworkingConfig()
        self.warnings = adapt_create(self.config, self.host, networking, ApiVersion(version))
        self.endpoints: dict[str, EndpointSettings] = networking.endpoints_config or {}


def host(version: str, **settings: Any) -> HostConfig:
    return Request(version, {"HostConfig": settings}).host


@pytest.mark.parametrize(
    ("lower", "higher"), [("1.9", "1.10"), ("1.24", "1.51"), ("1.51", "1.51.1"), ("", "1.24")]
)
def test_versions_compare_as_numbers(lower: str, higher: str) -> None:
    assert ApiVersion(lower) < ApiVersion(higher)
    assert ApiVersion(lower).below(higher)
    assert not ApiVersion(higher).below(lower)


def test_trailing_zeros_do_not_count() -> None:
    assert ApiVersion("1.40.0") == ApiVersion("1.40")
    check_version(ApiVersion("1.51.0"))


def test_what_did_not_exist_is_cleared() -> None:
    assert host("1.24", AutoRemove=True).auto_remove is False
    assert host("1.25", AutoRemove=True).auto_remove is True
    assert host("1.42", Annotations={"a": "b"}).annotations is None
    assert host("1.43", Annotations={"a": "b"}).annotations == {"a": "b"}
    assert host("1.41", ConsoleSize=[1, 2]).console_size == (0, 0)
    assert host("1.42", ConsoleSize=[1, 2]).console_size == (1, 2)
    assert host("1.41", KernelMemory=5).kernel_memory == 5
    assert host("1.42", KernelMemory=5).kernel_memory == 0


def test_older_defaults() -> None:
    assert host("1.39").ipc_mode == "shareable"
    assert host("1.39", IpcMode="private").ipc_mode == "private"
    assert host("1.40").ipc_mode == ""


@pytest.mark.parametrize("limit", [0, -1, -5])
def test_no_limit_on_processes(limit: int) -> None:
    assert host("1.51", PidsLimit=limit).pids_limit is None


@pytest.mark.parametrize("mode", ["", "default"])
def test_the_default_network_is_named(mode: str) -> None:
    networks = {"EndpointsConfig": {"default": {"Aliases": ["a"]}}}
    body = {"HostConfig": {"NetworkMode": mode}, "NetworkingConfig": networks}
    request = Request("1.51", body)
    assert request.host.network_mode == "bridge"
    assert list(request.endpoints) == ["bridge"]


@pytest.mark.parametrize(
    ("options", "kind"),
    [("VolumeOptions", "bind"), ("BindOptions", "volume"), ("TmpfsOptions", "bind")],
)
def test_options_of_another_mount_type(options: str, kind: str) -> None:
    mount = {"Type": kind, "Source": "a", "Target": "/b", options: {}}
    with pytest.raises(InvalidParameter) as caught:
        host("1.42", Mounts=[mount])
    assert str(caught.value) == f'{options} must not be specified on mount type "{kind}"'
    host("1.41", Mounts=[mount])


@pytest.mark.parametrize(
    ("version", "mount", "text"),
    [
        (
            "1.43",
            {"Type": "bind", "BindOptions": {"ReadOnlyForceRecursive": True}},
            "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer",
        ),
        (
            "1.44",
            {"Type": "volume", "VolumeOptions": {"Subpath": "x"}},
            "VolumeOptions.Subpath needs API v1.45 or newer",
        ),
        ("1.47", {"Type": "image"}, 'Mount type "Image" needs API v1.48 or newer'),
    ],
)
def test_mounts_that_came_later(version: str, mount: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        host(version, Mounts=[mount])
    assert str(caught.value) == text
    host("1.51", Mounts=[mount])


def test_several_networks() -> None:
    body = {"NetworkingConfig": {"EndpointsConfig": {"b": {}, "a": {}}}}
    with pytest.raises(InvalidParameter, match="multiple network endpoints: a, b"):
        Request("1.43", body)
    assert list(Request("1.44", body).endpoints) == ["b", "a"]


def test_the_container_s_mac_address_becomes_the_network_s() -> None:
    body = {"MacAddress": "02:00:00:00:00:01"}
    old = Request("1.43", body)
    assert (old.endpoints["bridge"].mac_address, old.warnings) == ("02:00:00:00:00:01", [])
    new = Request("1.44", body)
    assert new.endpoints["bridge"].mac_address == "02:00:00:00:00:01"
    assert new.config.mac_address == ""
    assert new.warnings == [
        (
            "The container-wide MacAddress field is now deprecated. "
            "It should be specified in EndpointsConfig instead."
        )
    ]


@pytest.mark.parametrize(
    ("endpoints", "text"),
    [
        (
            {"bridge": {"MacAddress": "02:00:00:00:00:02"}},
            (
                "the container-wide MAC address must match the endpoint-specific MAC address for "
                "the main network, or be left empty"
            ),
        ),
        (
            {"other": {}},
            (
                "unable to migrate container-wide MAC address to a specific network: "
                "HostConfig.NetworkMode must match the identity of a network in "
                "NetworkSettings.Networks"
            ),
        ),
    ],
)
def test_contradicting_mac_addresses(endpoints: dict[str, Any], text: str) -> None:
    body = {
        "MacAddress": "02:00:00:00:00:01",
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    with pytest.raises(InvalidParameter) as caught:
        Request("1.44", body)
    assert str(caught.value) == text


def test_interface_sysctls_move_to_the_endpoint() -> None:
    sysctls = {"net.ipv4.conf.eth0.forwarding": "1", "net.core.somaxconn": "5"}
    body = {"HostConfig": {"Sysctls": sysctls}}
    request = Request("1.47", body)
    moved = "net.ipv4.conf.IFNAME.forwarding=1"
    assert request.host.sysctls == {"net.core.somaxconn": "5"}
    assert request.endpoints["bridge"].driver_opts == {"com.docker.network.endpoint.sysctls": moved}
    assert request.warnings == [
        (
            'Migrated sysctl "net.ipv4.conf.eth0.forwarding" to '
            f'DriverOpts{{"com.docker.network.endpoint.sysctls":"{moved}"}}.'
        )
    ]
    with pytest.raises(RunnerError, match="must be supplied using driver option"):
        Request("1.48", body)
    other = {"HostConfig": {"Sysctls": {"net.ipv4.conf.eth1.forwarding": "1"}}}
    with pytest.raises(RunnerError, match="unable to determine network endpoint for sysctl"):
        Request("1.47", other)


def test_the_volume_driver_and_mounts() -> None:
    settings = {"VolumeDriver": "x", "Mounts": [{"Type": "volume", "Target": "/a"}]}
    (warning,) = Request("1.48", {"HostConfig": settings}).warnings
    assert "the container-wide volume-driver configuration is ignored" in warning
    assert Request("1.47", {"HostConfig": settings}).warnings == []


@pytest.mark.parametrize(
    ("version", "given", "pids_limit", "kernel_memory"),
    [
        ("1.39", 5, None, 7),
        ("1.40", 5, 5, 7),
        ("1.41", -3, 0, 7),
        ("1.42", 0, 0, 0),
        ("1.51", None, None, 0),
    ],
)
def test_updates(
    version: str, given: int | None, pids_limit: int | None, kernel_memory: int
) -> None:
    wanted = HostConfig(pids_limit=given, kernel_memory=7)
    adapt_update(wanted, ApiVersion(version))
    assert (wanted.pids_limit, wanted.kernel_memory) == (pids_limit, kernel_memory)
