"""Everything but limits, in dockerd's words."""

import dataclasses
import re

import pytest

from runner.engine.verify import verify_container_settings
from runner.types.container import (
    Config,
    DeviceRequest,
    HostConfig,
    Mount,
    PortBinding,
    RestartPolicy,
)
from runner.types.errors import InvalidParameter, NotImplementedYet
from runner.types.image import HealthConfig
from tests.unit.engine.verify.machines import ABLE, BARE, verify

LINKS = "can't be used with links. This would result in undefined behavior"


def ports(port: str, *host_ports: str) -> dict[str, object]:
    return {"port_bindings": {port: [PortBinding(host_port=each) for each in host_ports]}}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            Config(working_dir="x"),
            "the working directory 'x' is invalid, it needs to be an absolute path",
        ),
        (Config(stop_signal="FOO"), "invalid signal: FOO"),
        (Config(stop_signal="0"), "invalid signal: 0"),
        (Config(stop_signal="1_5"), "invalid signal: 1_5"),
        (Config(env=["A=b", "=x"]), "invalid environment variable: =x"),
        (Config(env=[""]), "invalid environment variable: "),
        (
            Config(healthcheck=HealthConfig(interval=1)),
            "Interval in Healthcheck cannot be less than 1ms",
        ),
        (
            Config(healthcheck=HealthConfig(interval=-1)),
            "Interval in Healthcheck cannot be less than 1ms",
        ),
        (
            Config(healthcheck=HealthConfig(timeout=999_999)),
            "Timeout in Healthcheck cannot be less than 1ms",
        ),
        (
            Config(healthcheck=HealthConfig(retries=-1)),
            "Retries in Healthcheck cannot be negative",
        ),
        (
            Config(healthcheck=HealthConfig(start_period=1)),
            "StartPeriod in Healthcheck cannot be less than 1ms",
        ),
        (
            Config(healthcheck=HealthConfig(start_interval=1)),
            "StartInterval in Healthcheck cannot be less than 1ms",
        ),
    ],
)
def test_config(config: Config, text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        verify(config=config)


def test_sound_config() -> None:
    config = Config(
        working_dir="/a/../b//c",
        stop_signal="sigkill",
        env=["A", "B=", "C==d"],
        healthcheck=HealthConfig(test=["NONE"], interval=1_000_000),
    )
    assert verify(config=config)[0] == []
    assert config.working_dir == "/b/c"


@pytest.mark.parametrize("signal", ["9", "-5", "100", "RTMIN+3", "SIGTERM"])
def test_signals_that_dockerd_takes(signal: str) -> None:
    assert verify(config=Config(stop_signal=signal))[0] == []


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"auto_remove": True, "restart_policy": RestartPolicy("always")},
            "can't create 'AutoRemove' container with restart policy",
        ),
        (
            {"mounts": [Mount(type="bind", source="/nope", target="/t")]},
            'invalid mount config for type "bind": bind source path does not exist: /nope',
        ),
        ({"extra_hosts": ["a"]}, 'bad format for add-host: "a"'),
        ({"extra_hosts": [":1.2.3.4"]}, 'bad format for add-host: ":1.2.3.4"'),
        ({"extra_hosts": ["a:b"]}, 'invalid IP address in add-host: "b"'),
        ({"extra_hosts": ["a:[::1]"]}, 'invalid IP address in add-host: "[::1]"'),
        ({"extra_hosts": ["a:fe80::1%eth0"]}, 'invalid IP address in add-host: "fe80::1%eth0"'),
        ({"extra_hosts": ["a:1.2.3.04"]}, 'invalid IP address in add-host: "1.2.3.04"'),
        (ports("x/tcp"), 'invalid port specification: "x"'),
        (ports("99999/tcp"), 'invalid port specification: "99999"'),
        (ports("80-81/tcp"), 'invalid port specification: "80-81"'),
        (ports("80/tcp", "x"), 'invalid port specification: "x"'),
        (ports("80/tcp", "80-70"), 'invalid port specification: "80-70"'),
        (ports("80/tcp", "1", "99999"), 'invalid port specification: "99999"'),
        (ports("80/tcp", "-1"), 'invalid port specification: "-1"'),
        (ports("80/tcp", "+1"), 'invalid port specification: "+1"'),
        (
            {"restart_policy": RestartPolicy("foo")},
            (
                "invalid restart policy: unknown policy 'foo'; "
                "use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            ),
        ),
        (
            {"restart_policy": RestartPolicy("always", 1)},
            "invalid restart policy: maximum retry count can only be used with 'on-failure'",
        ),
        (
            {"restart_policy": RestartPolicy("no", -1)},
            (
                "invalid restart policy: maximum retry count can only be used with 'on-failure' "
                "and cannot be negative"
            ),
        ),
        (
            {"restart_policy": RestartPolicy("on-failure", -1)},
            "invalid restart policy: maximum retry count cannot be negative",
        ),
        ({"cap_add": ["FOO"]}, 'invalid CapAdd: unknown capability: "CAP_FOO"'),
        ({"cap_drop": ["cap_x"]}, 'invalid CapDrop: unknown capability: "CAP_X"'),
        ({"isolation": "hyperv"}, "invalid isolation (hyperv): linux only supports 'default'"),
        (
            {"annotations": {"": "x"}},
            "invalid Annotations: the empty string is not permitted as an annotation key",
        ),
        ({"ipc_mode": "x"}, "invalid IPC mode: x"),
        ({"pid_mode": "x"}, "invalid PID mode: x"),
        ({"pid_mode": "container:"}, "invalid PID mode: container:"),
        ({"shm_size": -1}, "SHM size can not be less than 0"),
        ({"uts_mode": "container:x"}, "invalid UTS mode: container:x"),
        ({"oom_score_adj": 1001}, "Invalid value 1001, range for oom score adj is [-1000, 1000]"),
        ({"oom_score_adj": -1001}, "Invalid value -1001, range for oom score adj is [-1000, 1000]"),
        ({"runtime": "no-such-runtime"}, "unknown or invalid runtime name: no-such-runtime"),
        ({"runtime": "/bin/sh"}, "unknown or invalid runtime name: /bin/sh"),
        ({"tmpfs": {"/": ""}}, "invalid specification: destination can't be '/'"),
        ({"tmpfs": {"x": ""}}, "invalid mount path: 'x' mount path must be absolute"),
        ({"cgroupns_mode": "x"}, "invalid cgroup namespace mode: x"),
    ],
)
def test_host_config(settings: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        verify(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"auto_remove": True, "restart_policy": RestartPolicy("no")},
        {"restart_policy": RestartPolicy("on-failure", 3)},
        {"extra_hosts": ["a:host-gateway", "b:::1", "c: 1.2.3.4", "d:::ffff:1.2.3.4"]},
        ports("80/tcp", "", "8080", "8000-8010", "80-81-82", "8000/udp"),
        ports("", "80"),
        ports("80/xyz"),
        {"cap_add": ["net_admin", "ALL"], "cap_drop": ["CAP_CHECKPOINT_RESTORE"]},
        {"isolation": "Default"},
        {"ipc_mode": "container:"},
        {"pid_mode": "container:x", "uts_mode": "host"},
        {"oom_score_adj": -1000},
        {"tmpfs": {"/x": "whatever"}},
        {"cgroup_parent": "foo"},
        {"userns_mode": "host"},
    ],
)
def test_sound_host_config(settings: dict[str, object]) -> None:
    assert verify(**settings)[0] == []


@pytest.mark.parametrize(
    ("config", "settings", "text"),
    [
        (
            Config(),
            {"network_mode": "container:"},
            "invalid network mode: invalid container format container:<name|id>",
        ),
        (
            Config(),
            {"network_mode": "container"},
            "invalid network mode: invalid container format container:<name|id>",
        ),
        (
            Config(hostname="x"),
            {"network_mode": "container:a"},
            "conflicting options: hostname and the network mode",
        ),
        (
            Config(),
            {"network_mode": "container:a", "links": ["a"]},
            f"conflicting options: container type network {LINKS}",
        ),
        (
            Config(),
            {"network_mode": "container:a", "dns": ["1.1.1.1"]},
            "conflicting options: dns and the network mode",
        ),
        (
            Config(),
            {"network_mode": "container:a", "extra_hosts": ["a:1.1.1.1"]},
            "conflicting options: custom host-to-IP mapping and the network mode",
        ),
        (
            Config(),
            {"network_mode": "container:a", **ports("80/tcp")},
            "conflicting options: port publishing and the container type network mode",
        ),
        (
            Config(),
            {"network_mode": "container:a", "publish_all_ports": True},
            "conflicting options: port publishing and the container type network mode",
        ),
        (
            Config(exposed_ports={"80/tcp": {}}),
            {"network_mode": "container:a"},
            "conflicting options: port exposing and the container type network mode",
        ),
        (
            Config(hostname="x"),
            {"uts_mode": "host"},
            "conflicting options: hostname and the UTS mode",
        ),
        (
            Config(),
            {"network_mode": "host", "links": ["a"]},
            f"conflicting options: host type networking {LINKS}",
        ),
    ],
)
def test_contradictions(config: Config, settings: dict[str, object], text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        verify(config=config, **settings)


def test_sharing_a_network_is_fine() -> None:
    assert verify(network_mode="container:a")[0] == []


def test_warnings() -> None:
    assert verify(network_mode="host", **ports("80/tcp", ""))[0] == [
        "Published ports are discarded when using host network mode"
    ]
    deaf = dataclasses.replace(ABLE, ipv4_forwarding_disabled=True)
    forwarding = ["IPv4 forwarding is disabled. Networking will not work."]
    assert verify(deaf, network_mode="bridge")[0] == forwarding
    assert verify(deaf, network_mode="host")[0] == []
    assert verify(deaf, network_mode="none")[0] == []
    assert verify(BARE, cgroupns_mode="private")[0] == [
        "Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded."
    ]
    assert verify(cgroupns_mode="private")[0] == []


@pytest.mark.parametrize("parent", ["foo", ".slice", "a/b.slice/c"])
def test_systemd_wants_slices(parent: str) -> None:
    systemd = dataclasses.replace(ABLE, systemd_cgroups=True)
    with pytest.raises(InvalidParameter) as caught:
        verify(systemd, cgroup_parent=parent)
    assert str(caught.value) == (
        'cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"'
    )
    assert verify(systemd, cgroup_parent="foo.slice")[0] == []


def test_a_capability_that_this_machine_has_not() -> None:
    weak = dataclasses.replace(ABLE, capabilities=("CAP_CHOWN",))
    assert verify(weak, cap_add=["CHOWN"])[0] == []
    with pytest.raises(InvalidParameter, match="invalid CapAdd: capability not supported by your"):
        verify(weak, cap_add=["SYS_ADMIN"])


def test_the_default_runtime_is_written_down() -> None:
    assert verify()[1].runtime == "runc"


def test_a_start_looks_at_the_host_only() -> None:
    host_config = HostConfig(network_mode="container:", memory=6 * 1024 * 1024)
    (warning,) = verify_container_settings(None, host_config, BARE)
    assert "memory limit" in warning
    with pytest.raises(InvalidParameter, match="bind source path does not exist"):
        mounts = [Mount(type="bind", source="/nope", target="/t")]
        verify_container_settings(None, HostConfig(mounts=mounts), ABLE)


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"device_requests": [DeviceRequest(count=-1)]}, "device requests (--gpus)"),
        ({"storage_opt": {"size": "1G"}}, "storage options (--storage-opt)"),
        ({"userns_mode": "private"}, "user namespaces"),
        ({"cgroup": "container:x"}, "containers in another container's cgroup"),
    ],
)
def test_what_this_engine_cannot_do_is_said(settings: dict[str, object], what: str) -> None:
    with pytest.raises(NotImplementedYet, match=f"^{re.escape(what)} are not supported$"):
        verify(**settings)


def test_mistakes_come_before_what_is_not_supported() -> None:
    with pytest.raises(InvalidParameter, match="SHM size"):
        verify(links=["a"], shm_size=-1)
