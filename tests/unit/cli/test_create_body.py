"""The create request that flags make, and what is refused before any request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.cli.container.create import make_body
from runner.cli.errors import CliError
from runner.client import jsontext
from runner.types.container import CreateRequest
from runner.types.wire import _fields, decode
from tests.unit.cli.support import built, parse

if TYPE_CHECKING:
    from pathlib import Path


NO_FILE = "open /nonex: no such file or directory"
NO_NUMBER = 'strconv.ParseUint: parsing "x": invalid syntax'
PULL = "invalid pull option: 'foo': " + 'must be one of "always", "missing" or "never"'


def host(*flags: str) -> dict[str, Any]:
    made: dict[str, Any] = built(*flags)["HostConfig"]
    return made


def test_what_nothing_was_asked_of() -> None:
    assert built() == {
        "Image": "busybox",
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            "NetworkMode": "default",
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "LogConfig": {"Type": "", "Config": {}},
            "Dns": [],
            "DnsOptions": [],
            "DnsSearch": [],
            "Devices": [],
            "Ulimits": [],
            "MemorySwappiness": -1,
            "BlkioWeightDevice": [],
            "BlkioDeviceReadBps": [],
            "BlkioDeviceReadIOps": [],
            "BlkioDeviceWriteBps": [],
            "BlkioDeviceWriteIOps": [],
        },
        "NetworkingConfig": {"EndpointsConfig": {"default": {}}},
    }


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        (["-i"], "StdinOnce", True),
        (["-i", "-a", "stdout"], "AttachStdin", True),
        (["-a", "stderr"], "AttachStdout", None),
        (["--entrypoint="], "Entrypoint", [""]),
        (["--entrypoint", "x"], "Entrypoint", ["x"]),
        (["--stop-timeout", "0"], "StopTimeout", 0),
        (["-e", "A=1", "-e", "B=2", "-e", "A=3"], "Env", ["A=3", "B=2"]),
        (["-l", "a=b", "-l", "c"], "Labels", {"a": "b", "c": ""}),
        (["-v", "/anon", "-v", "/a:/b"], "Volumes", {"/anon": {}}),
        (["--no-healthcheck"], "Healthcheck", {"Test": ["NONE"]}),
        (
            ["--health-cmd", "x", "--health-interval", "1s"],
            "Healthcheck",
            {"Test": ["CMD-SHELL", "x"], "Interval": 10**9},
        ),
        (
            ["--expose", "5-6/udp", "-p", "80"],
            "ExposedPorts",
            {"80/tcp": {}, "5/udp": {}, "6/udp": {}},
        ),
        (["--mac-address", "02:42:ac:11:00:02"], "MacAddress", None),  # the endpoint's
    ],
)
def test_config(flags: list[str], field: str, value: object) -> None:
    assert built(*flags).get(field) == value


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        (["--init=false"], "Init", False),
        (["--memory-swappiness", "0"], "MemorySwappiness", 0),
        (["-v", "/a:/b:ro", "-v", "vol:/c"], "Binds", ["/a:/b:ro", "vol:/c"]),
        (["-v", "c:/x:/y"], "Binds", ["c:/x:/y"]),
        (["--tmpfs", "/t:size=1m,ro"], "Tmpfs", {"/t": "size=1m,ro"}),
        (
            ["--restart", "on-failure:3"],
            "RestartPolicy",
            {"Name": "on-failure", "MaximumRetryCount": 3},
        ),
        (["--restart", ""], "RestartPolicy", None),
        (["--cap-add", "net_raw", "--cap-add", "CAP_NET_RAW"], "CapAdd", ["CAP_NET_RAW"]),
        (["--cap-drop", "all"], "CapDrop", ["ALL"]),
        (["--security-opt", "systempaths=unconfined"], "MaskedPaths", []),
        (
            ["--ulimit", "nofile=1", "--ulimit", "core=2", "--ulimit", "nofile=3"],
            "Ulimits",
            [{"Name": "core", "Hard": 2, "Soft": 2}, {"Name": "nofile", "Hard": 3, "Soft": 3}],
        ),
        (
            ["-p", "127.0.0.1:90:91/udp"],
            "PortBindings",
            {"91/udp": [{"HostIp": "127.0.0.1", "HostPort": "90"}]},
        ),
        (["-p", "[::1]:5:6"], "PortBindings", {"6/tcp": [{"HostIp": "::1", "HostPort": "5"}]}),
        (
            ["-p", "3000-3005:90"],
            "PortBindings",
            {"90/tcp": [{"HostIp": "", "HostPort": "3000-3005"}]},
        ),
        (
            ["-p", "published=8,target=9,protocol=udp"],
            "PortBindings",
            {"9/udp": [{"HostIp": "", "HostPort": "8"}]},
        ),
        (
            ["--device", "/dev/a:rw"],
            "Devices",
            [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/a", "CgroupPermissions": "rw"}],
        ),
        (
            ["--device", "vendor/class=name"],
            "DeviceRequests",
            [{"Driver": "cdi", "DeviceIDs": ["vendor/class=name"]}],
        ),
        (["--network", "host"], "NetworkMode", "host"),
    ],
)
def test_host_config(flags: list[str], field: str, value: object) -> None:
    assert host(*flags).get(field) == value


def endpoints(*flags: str) -> Any:
    return built(*flags)["NetworkingConfig"]["EndpointsConfig"]


def test_endpoints() -> None:
    assert endpoints("--network", "n") == {}
    assert endpoints("--network", "n", "--network", "m") == {"n": {}, "m": {}}
    assert endpoints("--network", "n", "--ip", "1.2.3.4", "--link", "a:b") == {
        "n": {"IPAMConfig": {"IPv4Address": "1.2.3.4"}, "Links": ["a:b"]}
    }
    assert endpoints("--mac-address", "02:42:ac:11:00:02") == {
        "default": {"MacAddress": "02:42:ac:11:00:02"}
    }


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--pull", "foo"], PULL),
        (["--mac-address", "x"], "x is not a valid mac address"),
        (
            ["--memory-swappiness", "101"],
            "invalid value: 101. Valid memory swappiness range is 0-100",
        ),
        (["--pid", "x"], "--pid: invalid PID mode"),
        (["--pid", "container:"], "--pid: invalid PID mode"),
        (["--uts", "x"], "--uts: invalid UTS mode"),
        (["--userns", "x"], "--userns: invalid USER mode"),
        (["--cgroupns", "x"], "--cgroupns: invalid CGROUP mode"),
        (
            ["--no-healthcheck", "--health-cmd", "x"],
            "--no-healthcheck conflicts with --health-* options",
        ),
        (["--health-start-period", "-1s"], "--health-start-period cannot be negative"),
        (["--restart", ":3"], "invalid restart policy format: no policy provided before colon"),
        (
            ["--restart", "on-failure:x"],
            "invalid restart policy format: maximum retry count must be an integer",
        ),
        (
            ["--rm", "--restart", "always"],
            "conflicting options: cannot specify both --restart and --rm",
        ),
        (["--security-opt", "foo"], 'Invalid --security-opt: "foo"'),
        (
            ["--security-opt", "seccomp=/nonex"],
            "opening seccomp profile (/nonex) failed: " + NO_FILE,
        ),
        (["--log-driver", "none", "--log-opt", "a=b"], "invalid logging opts for driver none"),
        (["--storage-opt", "size"], "invalid storage option"),
        (["--device", "a:b:c:d"], "bad format for path: a:b:c:d"),
        (["--device", "/dev/x:/y:z"], "bad mode specified: z"),
        (["--device", "x"], "x is not an absolute path"),
        (["--expose", "x"], "invalid range format for --expose: x, error: " + NO_NUMBER),
        (["--expose", "5:6"], "invalid port format for --expose: 5:6"),
        (["-p", "foo=1,x"], "invalid publish opts format (should be name=value but got 'x')"),
        (["-p", "80:x"], "invalid containerPort: x"),
        (["-p", "1-2:3-5"], "invalid ranges specified for container and host Ports: 3-5 and 1-2"),
        (["-p", "80/foo"], "invalid proto: foo"),
        (["-v", "aa::b"], "invalid spec: aa::b: empty section between colons"),
        (["-v", "aa:bb:cc:dd"], "invalid spec: aa:bb:cc:dd: too many colons"),
        (["--network", "n", "--network", "n"], 'network "n" is specified multiple times'),
        (
            ["--network", "n", "--network", "host"],
            "conflicting options: cannot attach both user-defined and non-user-defined "
            "network-modes",
        ),
        (
            ["--network-alias", "a"],
            "network-scoped aliases are only supported for user-defined networks",
        ),
        (
            ["--network", "name=n,ip=1.1.1.1", "--ip", "2.2.2.2"],
            "conflicting options: cannot specify both --ip and per-network IPv4 address",
        ),
        (["--env-file", "/nonex"], NO_FILE),
    ],
)
def test_refused_before_any_request(flags: list[str], message: str) -> None:
    _, options = parse("run", *flags, "busybox")
    with pytest.raises(CliError) as caught:
        make_body("run", options, "busybox", [])  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"runner: {message}\n\nRun 'runner run --help' for more information"
    )
    assert caught.value.code == 125


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--cpu-count", "1"],
            '"--cpu-count" is only supported on a Docker daemon running on windows, '
            "but the Docker daemon is running on linux",
        ),
        (["--use-api-socket"], '"--use-api-socket" is not supported by runner'),
        (
            ["--disable-content-trust=false"],
            '"--disable-content-trust=false" is not supported by runner',
        ),
    ],
)
def test_flags_without_effect_are_errors(flags: list[str], message: str) -> None:
    _, options = parse("run", *flags, "busybox")
    with pytest.raises(CliError) as caught:
        make_body("run", options, "busybox", [])  # type: ignore[arg-type]
    assert (str(caught.value), caught.value.code) == (message, 1)


def test_env_and_label_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", "h")
    monkeypatch.delenv("GONE", raising=False)
    file = tmp_path / "f"
    file.write_bytes(b"\xef\xbb\xbf# comment\n\nA=1 \n  B=x=y\r\nHERE\nGONE\n")
    assert built("--env-file", str(file), "-e", "A=2")["Env"] == ["A=1 ", "B=x=y", "HERE=h", "A=2"]
    assert built("--label-file", str(file))["Labels"] == {"A": "1 ", "B": "x=y"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"=x\n", "no variable name on line '=x'"),
        (b"A B=1\n", "variable 'A B' contains whitespaces"),
        (b"\n\xff\n", "invalid utf8 bytes at line 2: [255]"),
        (b"A=" + b"x" * 70000, "bufio.Scanner: token too long"),
    ],
)
def test_broken_env_files(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "f"
    file.write_bytes(content)
    with pytest.raises(CliError) as caught:
        built("--env-file", str(file))
    assert str(caught.value) == f"invalid env file ({file}): {message}"


def test_a_seccomp_profile_is_sent_compacted(tmp_path: Path) -> None:
    profile = tmp_path / "p.json"
    profile.write_text('{ "a" : [ 1, 2 ] }\n')
    assert host("--security-opt", f"seccomp={profile}")["SecurityOpt"] == ['seccomp={"a":[1,2]}']


def test_the_body_is_what_the_engine_reads() -> None:
    """The body is plain dictionaries; here they are held against the API's own types."""
    request = built(
        "-it", "-e", "A=1", "-v", "v:/c", "-p", "80:80", "--mount", "type=tmpfs,target=/t",
        "--device", "/dev/null", "--gpus", "all", "--ulimit", "nofile=1", "--init", "-m", "1g",
        "--cpus", "1", "--network", "name=n,alias=a,gw-priority=1", "--health-cmd", "x",
        "--blkio-weight-device", "/dev/a:10", "--device-read-bps", "/dev/a:1",
        "--sysctl", "net.a=1",
        "--annotation", "a=b", "--log-opt", "x=y", "--security-opt", "systempaths=unconfined",
        "--stop-timeout", "3", "--pids-limit", "4", "--oom-kill-disable", "--shm-size", "1m",
    )  # fmt: skip
    body = jsontext.dumps(request).encode()
    decoded = decode(body, CreateRequest)
    assert decoded.host_config is not None
    assert decoded.host_config.memory == 1 << 30
    unknown = _unknown(request, CreateRequest) | _unknown(
        request["HostConfig"], type(decoded.host_config)
    )
    assert unknown == set()


def _unknown(sent: dict[str, Any], struct: Any) -> set[str]:
    return set(sent) - {field.name for field in _fields(struct)}
