"""What POST /containers/create refuses and warns of: the same status and words as dockerd's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.dockerd import Dockerd
    from tests.support.engine import Engine
    from tests.support.http import Answer

pytestmark = [pytest.mark.root, pytest.mark.oracle]

Body = dict[str, Any]
Outcome = tuple[int, str | list[str], list[dict[str, Any]]]


def host(**settings: Any) -> Body:
    return {"HostConfig": settings}


def mount(**settings: Any) -> Body:
    return host(Mounts=[{"Type": "bind", "Source": "/tmp", "Target": "/t", **settings}])


def volume(**settings: Any) -> Body:
    return host(Mounts=[{"Type": "volume", "Target": "/t", **settings}])


def ports(port: str, *host_ports: str) -> Body:
    return host(PortBindings={port: [{"HostPort": each} for each in host_ports]})


CONFIG: list[Body] = [
    *({"StopSignal": signal} for signal in ("FOO", "0", "-5", "100", "sigkill", "RTMIN+3", "1_5")),
    {"Env": ["=x"]},
    {"Env": ["A=b", ""]},
    {"Env": ["A"]},
    {"WorkingDir": "x"},
    {"WorkingDir": "/etc/passwd"},
    {"WorkingDir": "/a/../b//c"},
    *(
        {"Healthcheck": check}
        for check in (
            {"Interval": 1},
            {"Interval": -1},
            {"Timeout": 1},
            {"Retries": -1},
            {"StartPeriod": 1},
            {"StartInterval": 1},
            {"Test": ["NONE"]},
        )
    ),
    {"Entrypoint": [""], "Cmd": None},
    {"Volumes": {"/etc/passwd": {}}},
]

NETWORK: list[Body] = [
    host(NetworkMode="container:"),
    host(NetworkMode="container"),
    host(NetworkMode="container:nope"),
    {"Hostname": "x", **host(NetworkMode="container:a")},
    host(NetworkMode="container:a", Links=["a"]),
    host(NetworkMode="container:a", Dns=["1.1.1.1"]),
    host(NetworkMode="container:a", ExtraHosts=["a:1.1.1.1"]),
    host(NetworkMode="container:a", PortBindings={"80/tcp": []}),
    host(NetworkMode="container:a", PublishAllPorts=True),
    {"ExposedPorts": {"80/tcp": {}}, **host(NetworkMode="container:a")},
    {"Hostname": "x", **host(UTSMode="host")},
    host(NetworkMode="host", Links=["a"]),
    host(NetworkMode="host", PortBindings={"80/tcp": [{"HostPort": ""}]}),
    *(
        host(ExtraHosts=[entry])
        for entry in ("a", ":1.2.3.4", "a:b", "a:[::1]", "a:::1", "a: 1.2.3.4", "a:1.2.3.04")
    ),
    ports("x/tcp"),
    ports("99999/tcp"),
    ports("80-81/tcp"),
    ports("80/tcp", "x"),
    ports("80/tcp", "80-70"),
    ports("80/tcp", "99999"),
    ports("80/tcp", "+1"),
    ports("80/tcp", "80-81-82"),
    {"MacAddress": "x"},
]

RESOURCES: list[Body] = [
    host(Memory=1),
    host(Memory=-1),
    host(Memory=6291456, MemorySwap=6291455),
    host(MemorySwap=10),
    host(MemorySwap=-1),
    *(host(MemorySwappiness=value) for value in (101, -1, -2, 10)),
    host(MemoryReservation=1),
    host(Memory=6291456, MemoryReservation=6291457),
    host(KernelMemory=1),
    host(OomKillDisable=True),
    host(OomKillDisable=True, Memory=6291456),
    host(PidsLimit=-5),
    host(NanoCpus=1, CpuPeriod=1000),
    host(NanoCpus=1, CpuQuota=1000),
    host(NanoCpus=-1),
    host(NanoCpus=10**12),
    host(CpuShares=-1),
    host(CpuPeriod=999),
    host(CpuPeriod=1000001),
    host(CpuQuota=999),
    host(CpuQuota=-5),
    host(CpuPercent=5),
    *(host(CpusetCpus=cpus) for cpus in ("999", "x", "0-99999", "1-0", "0", "+0", "1" * 30)),
    *(host(CpusetMems=mems) for mems in ("99", "x")),
    host(BlkioWeight=5),
    host(BlkioWeight=1001),
    host(IOMaximumBandwidth=1),
    host(IOMaximumIOps=1),
    host(BlkioWeightDevice=[{"Path": "/dev/null", "Weight": 100}]),
    host(BlkioDeviceReadBps=[{"Path": "/dev/null", "Rate": 100}]),
    host(CpuRealtimePeriod=1),
    host(CpuRealtimeRuntime=5, CpuRealtimePeriod=1),
]

PLATFORM: list[Body] = [
    host(AutoRemove=True, RestartPolicy={"Name": "always"}),
    *(
        host(RestartPolicy={"Name": name, "MaximumRetryCount": count})
        for name, count in (
            ("foo", 0),
            ("always", 1),
            ("always", -1),
            ("on-failure", -1),
            ("", -1),
            ("on-failure", 3),
        )
    ),
    *(host(CapAdd=[name]) for name in ("FOO", "net_admin", "ALL", "SYS_RESOURCE")),
    host(CapDrop=["cap_x"]),
    host(Isolation="hyperv"),
    host(Isolation="Default"),
    host(Annotations={"": "x"}),
    *(host(IpcMode=mode) for mode in ("x", "container:", "container:nope")),
    *(host(PidMode=mode) for mode in ("x", "container:", "container", "container:nope")),
    *(host(UTSMode=mode) for mode in ("x", "container:x")),
    host(ShmSize=-1),
    host(OomScoreAdj=1001),
    host(OomScoreAdj=-1001),
    host(CgroupParent="foo"),
    host(CgroupnsMode="x"),
    host(CgroupnsMode="private"),
    host(Runtime="foo"),
    host(Runtime="/bin/sh"),
    host(Runtime="io.containerd.runc.v2"),
    host(SecurityOpt=["foo"]),
    host(SecurityOpt=["foo=bar"]),
    host(SecurityOpt=["no-new-privileges=x"]),
    host(LogConfig={"Type": "foo"}),
    host(LogConfig={"Type": "json-file", "Config": {"x": "y"}}),
]

BINDS: list[Body] = [
    *(
        host(Binds=[bind])
        for bind in (
            "",
            "::",
            "/foo:rw",
            "a:b:c:d",
            "/a:/b:bad",
            "/a:/b:ro,rw",
            "/a:/b:nocopy",
            "/a:/",
            "a:b",
            "@:/b",
            "a:/b",
            "./a:/b",
            "a/b:/b",
            "vol:/b:shared",
            "vol:/etc/passwd",
            "vol:/bin/sh",
            "/tmp/x:/b:ro,z,rslave",
            "vol:/b/../c//:ro,nocopy",
            "/tmp/x:/b:cached",
            "vol:/b:Z",
        )
    ),
    host(Binds=["/a:/b", "/c:/b"]),
    host(Binds=["/a:/b"], Tmpfs={"/b": ""}),
    host(Binds=["vol:/b"], VolumeDriver="foo"),
    host(Binds=["vol:/x", "vol:/y"]),
    host(Tmpfs={"/": ""}),
    host(Tmpfs={"x": ""}),
    *(host(VolumesFrom=[spec]) for spec in ("", "nope", "x:bad", "x:shared", "x:nocopy")),
]

MOUNTS: list[Body] = [
    mount(Source="/nope"),
    mount(Source=""),
    mount(Source="tmp"),
    mount(Source="/etc/passwd/x"),
    mount(Target=""),
    mount(Target="t"),
    mount(Target="/"),
    mount(VolumeOptions={}),
    mount(BindOptions={"Propagation": "x"}),
    mount(Source="/usr", ReadOnly=True, BindOptions={"NonRecursive": True}),
    mount(Source="/usr", BindOptions={"Propagation": "rshared"}),
    mount(Type="npipe"),
    mount(Type=""),
    mount(Type="x", TmpfsOptions={"Mode": 1}),
    mount(Type="tmpfs"),
    mount(Type="tmpfs", Source="", TmpfsOptions={"Options": [["a"]]}),
    mount(Type="tmpfs", Source="", TmpfsOptions={"Options": [[]]}),
    mount(Type="tmpfs", Source="", TmpfsOptions={"SizeBytes": 1 << 20, "Mode": 0o1777}),
    host(Mounts=[{"Type": "tmpfs", "Target": "/t"}, {"Type": "tmpfs", "Target": "/t/"}]),
    host(Binds=["/tmp:/t"], Mounts=[{"Type": "tmpfs", "Target": "/t"}]),
    volume(ReadOnly=True),
    volume(VolumeOptions={"Subpath": "a"}),
    volume(Source="vol", VolumeOptions={"Subpath": "../a"}),
    volume(Source="vol", BindOptions={}),
    volume(Source="!"),
    volume(Source="vol", VolumeOptions={"DriverConfig": {"Name": "foo"}}),
    *(
        volume(Source="optional", VolumeOptions={"DriverConfig": {"Options": options}})
        for options in (
            {"foo": "bar"},
            {"type": "tmpfs"},
            {"type": "tmpfs", "device": "tmpfs", "size": "1m"},
        )
    ),
    volume(Source="vol", ReadOnly=True, VolumeOptions={"NoCopy": True}),
    volume(),
]

NAMES = ["a", "/", "_a", "-a", ".a", "a%20b", "ab/c", "%C3%A91", "//ab", "a%0A"]

UNSUPPORTED: list[tuple[Body, str]] = [
    (host(DeviceRequests=[{"Count": -1, "Capabilities": [["gpu"]]}]), "device requests (--gpus)"),
    (host(StorageOpt={"size": "1G"}), "storage options (--storage-opt)"),
    (host(UsernsMode="private"), "user namespaces"),
    (host(Cgroup="container:x"), "containers in another container's cgroup"),
]


@pytest.fixture(scope="session")
def ready_oracle(oracle: Dockerd, _dockerd_subject: object) -> Dockerd:
    """The oracle with busybox: loaded once, for dockerd counts what is loaded twice as two."""
    return oracle


def create(api: Callable[..., Answer], body: Body, query: str = "") -> Outcome:
    """Status, error or warnings, and the mounts of what came into being; which is removed."""
    answer = api("POST", f"/v1.51/containers/create{query}", {"Image": "busybox:latest", **body})
    if answer.status != 201:
        return answer.status, _without_paths(answer.message), []
    created = answer.json()
    container = f"/v1.51/containers/{created['Id']}"
    inspected = api("GET", f"{container}/json").json()
    api("DELETE", f"{container}?force=1&v=1")
    mounts = sorted(inspected["Mounts"], key=lambda mount: str(mount["Destination"]))
    return answer.status, created["Warnings"], [_comparable(each) for each in mounts]


def _without_paths(text: str) -> str:
    """The root filesystem's path is the engine's own affair."""
    return re.sub(r"(/[^/\s]+)+/rootfs/overlayfs/[\w-]+", "ROOT", text)


def _comparable(mount: dict[str, Any]) -> dict[str, Any]:
    source = re.sub(r".*/volumes/[^/]+/_data", "VOLUME", mount["Source"])
    # dockerd loses the name of an anonymous volume of Binds; ours are 64 digits of chance anyway.
    name = re.sub("^[0-9a-f]{64}$", "", mount.get("Name", ""))
    return {**mount, "Source": source, "Name": name}


def _id(body: Body) -> str:
    return re.sub(r"[^\w:,=/.+-]+", " ", str(body))[:90].strip()


@pytest.mark.parametrize(
    "body", [*CONFIG, *NETWORK, *RESOURCES, *PLATFORM, *BINDS, *MOUNTS], ids=_id
)
def test_the_same_answer(busybox: Engine, ready_oracle: Dockerd, body: Body) -> None:
    assert create(busybox.api, body) == create(ready_oracle.api, body)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_names(busybox: Engine, ready_oracle: Dockerd, name: str) -> None:
    query = f"?name={name}"
    assert create(busybox.api, {}, query) == create(ready_oracle.api, {}, query)


@pytest.mark.parametrize(("body", "what"), UNSUPPORTED, ids=lambda value: _id({"": value}))
def test_what_only_dockerd_can_do_is_said(
    busybox: Engine, ready_oracle: Dockerd, body: Body, what: str
) -> None:
    assert create(ready_oracle.api, body)[0] == 201
    assert create(busybox.api, body) == (501, f"{what} are not supported", [])
