from __future__ import annotations

import msgspec
import pytest

from runner.oci.request import NamespacePaths
from runner.types.container import Config, HostConfig
from runner.types.errors import InvalidParameter
from tests.unit.oci import support


def paths(settings: HostConfig, **namespaces: str) -> dict[str, str]:
    made = support.spec(settings=settings, namespaces=NamespacePaths(**namespaces))
    return {found.type: found.path for found in made.linux.namespaces}


def test_a_network_namespace_made_before() -> None:
    assert paths(HostConfig(network_mode="bridge"), network="/run/netns/x") == {
        "mount": "",
        "network": "/run/netns/x",
        "uts": "",
        "pid": "",
        "ipc": "",
    }


def test_host_wins_over_a_path() -> None:
    settings = HostConfig(network_mode="host", ipc_mode="host", pid_mode="host", uts_mode="host")
    assert paths(settings, network="/x", ipc="/x", pid="/x") == {"mount": ""}


def test_paths_are_for_joining_only() -> None:
    assert paths(HostConfig(), ipc="/x", pid="/x") == dict.fromkeys(
        ("mount", "network", "uts", "pid", "ipc"), ""
    )


@pytest.mark.parametrize("mode", ["network_mode", "ipc_mode", "pid_mode"])
def test_joining_needs_a_path(mode: str) -> None:
    with pytest.raises(ValueError, match="namespace to join is missing"):
        paths(msgspec.structs.replace(HostConfig(), **{mode: "container:abc"}))


def test_disabled_network_is_a_new_namespace() -> None:
    made = support.spec(Config(network_disabled=True), HostConfig(network_mode="host"))
    found = {namespace.type: namespace.path for namespace in made.linux.namespaces}
    assert found["network"] == ""
    assert "user" not in found


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (HostConfig(ipc_mode="ours"), "invalid IPC mode: ours"),
        (HostConfig(pid_mode="private"), "invalid PID mode: private"),
        (HostConfig(pid_mode="container:"), "invalid PID mode: container:"),
        (HostConfig(uts_mode="private"), "invalid UTS mode: private"),
        (HostConfig(cgroupns_mode="shared"), "invalid cgroup namespace mode: shared"),
        (HostConfig(userns_mode="remap"), "invalid USER mode: remap"),
    ],
)
def test_invalid_modes(settings: HostConfig, message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        support.spec(settings=settings)
    assert str(caught.value) == message
