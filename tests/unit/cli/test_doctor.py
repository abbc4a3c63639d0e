"""`doctor`, on hosts that lack one thing or another."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.cli.context import Context
from runner.cli.system import doctor
from runner.cli.system.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def host() -> Iterator[Path]:
    """A root directory; sockets in it want a short path."""
    folder = Path(tempfile.mkdtemp(prefix="d"))
    yield folder
    shutil.rmtree(folder)


def write(host: Path, file: str, text: str = "") -> None:
    path = host / file.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def program(host: Path, name: str, script: str = "true") -> None:
    write(host, f"/bin/{name}", f"#!/bin/sh\n{script}\n")
    (host / "bin" / name).chmod(0o755)


def machine(host: Path) -> Machine:
    return Machine(str(host), path=f"{host}/bin")


def levels(findings: Iterator[doctor.Finding]) -> list[str]:
    """The levels; whoever must mend something is told how."""
    found = list(findings)
    assert all(remedy or level == doctor.OK for level, _, remedy in found)
    return [level for level, _, _ in found]


def kernel(host: Path, release: str) -> None:
    write(host, "/proc/sys/kernel/osrelease", release + "\n")
    write(host, "/proc/sys/kernel/seccomp/actions_avail")
    for name in ("mnt", "pid", "net", "uts", "ipc"):
        write(host, f"/proc/self/ns/{name}")


@pytest.mark.parametrize(
    ("release", "level"),
    [("6.1.0-13-amd64", "ok"), ("5.10.0", "warn"), ("5.5.19", "fail"), ("4.19", "fail")],
)
def test_the_kernels_age(host: Path, release: str, level: str) -> None:
    kernel(host, release)
    assert levels(doctor.check_kernel(machine(host))) == [level, "ok", "ok"]


def test_what_the_kernel_lacks(host: Path) -> None:
    kernel(host, "6.1.0")
    (host / "proc/self/ns/ipc").unlink()
    (host / "proc/sys/kernel/seccomp/actions_avail").unlink()
    assert levels(doctor.check_kernel(machine(host))) == ["ok", "fail", "warn"]


MOUNTS = """\
30 20 0:26 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
32 20 0:28 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
33 20 0:29 / /sys/fs/cgroup/cpuset rw,nosuid - cgroup cgroup rw,cpuset
"""


@pytest.mark.parametrize(
    ("files", "level", "text"),
    [
        (
            {"/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"},
            "ok",
            "cgroup version 2 with cpu cpuset io memory pids",
        ),
        (
            {"/sys/fs/cgroup/cgroup.controllers": "cpu pids\n"},
            "warn",
            "cgroup version 2 without memory, cpuset: such limits are discarded",
        ),
        (
            {"/proc/self/mountinfo": MOUNTS},
            "ok",
            "cgroup version 1 with cpu cpuacct cpuset memory pids",
        ),
        (
            {"/proc/self/mountinfo": MOUNTS.partition("\n")[2]},
            "warn",
            "cgroup version 1 without memory: such limits are discarded",
        ),
        ({}, "fail", "no cgroups are mounted"),
    ],
)
def test_cgroups(host: Path, files: dict[str, str], level: str, text: str) -> None:
    for name, content in files.items():
        write(host, name, content)
    ((found, told, _),) = doctor.check_cgroups(machine(host))
    assert (found, told) == (level, text)


def test_overlayfs_is_tried_where_the_data_is_to_be(host: Path) -> None:
    (host / "var").mkdir()
    tried: list[str] = []
    assert levels(doctor.check_overlay(machine(host), "/var/lib/x", tried.append)) == ["ok"]
    assert tried == [f"{host}/var"]

    def refuse(_: str) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    ((level, text, remedy),) = doctor.check_overlay(machine(host), "/nowhere", refuse)
    assert (level, text) == ("warn", f"overlayfs cannot be mounted in {host}/: invalid argument")
    assert "volume" in remedy


def test_iptables(host: Path) -> None:
    assert levels(doctor.check_iptables(machine(host))) == ["fail"]
    program(host, "iptables", 'echo "iptables v1.8.9 (legacy)"')
    program(host, "iptables-restore")
    program(host, "iptables-save")
    ((level, text, _),) = doctor.check_iptables(machine(host))
    assert (level, text) == ("ok", "iptables v1.8.9 (legacy)")


@pytest.mark.skipif(os.geteuid() != 0, reason="rules are root's to see")
def test_iptables_that_the_kernel_does_not_know(host: Path) -> None:
    program(host, "iptables", 'echo "iptables v1.8.9 (legacy)"')
    program(host, "iptables-restore")
    program(host, "iptables-save", "echo 'no such table' >&2; exit 3")
    ((level, text, _),) = doctor.check_iptables(machine(host))
    assert level == "fail"
    assert text == "iptables v1.8.9 (legacy) does not work: no such table"


def test_forwarding(host: Path) -> None:
    setting = "/proc/sys/net/ipv4/ip_forward"
    assert levels(doctor.check_forwarding(machine(host))) == ["warn"]
    write(host, setting, "0\n")
    ((level, text, _),) = doctor.check_forwarding(machine(host))
    assert level == "ok"
    assert "turns it on" in text
    write(host, setting, "1\n")
    assert levels(doctor.check_forwarding(machine(host))) == ["ok"]


def test_bridge_netfilter(host: Path) -> None:
    assert levels(doctor.check_bridge_netfilter(machine(host))) == ["warn"]
    write(host, "/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n")
    assert levels(doctor.check_bridge_netfilter(machine(host))) == ["ok"]


def containerd(host: Path, version: str) -> None:
    line = f"containerd github.com/containerd/containerd {version} abc"
    program(host, "containerd", f'echo "{line}"')


@pytest.mark.parametrize(
    ("version", "level"), [("1.5.9", "fail"), ("1.6.20~ds1", "ok"), ("v2.1.9", "ok")]
)
def test_a_containerd_that_could_be_started(host: Path, version: str, level: str) -> None:
    containerd(host, version)
    assert levels(doctor.check_containerd(machine(host), "")) == [level]


def test_no_containerd(host: Path) -> None:
    assert levels(doctor.check_containerd(machine(host), "")) == ["fail"]
    assert levels(doctor.check_containerd(machine(host), "/run/x.sock")) == ["fail"]
    containerd(host, "2.1.9")  # that could be started does not help who has named another
    assert levels(doctor.check_containerd(machine(host), "/run/x.sock")) == ["fail"]


def test_a_containerd_that_serves(host: Path) -> None:
    socket_path = host / "run/containerd/containerd.sock"
    socket_path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_path))
        assert levels(doctor.check_containerd(machine(host), "")) == ["fail"]  # left behind
        listener.listen()
        assert levels(doctor.check_containerd(machine(host), "")) == ["ok"]
        address = "unix:///run/containerd/containerd.sock"
        assert levels(doctor.check_containerd(machine(host), address)) == ["ok"]


def test_the_runtime_and_its_shim(host: Path) -> None:
    assert levels(doctor.check_runtime(machine(host))) == ["fail", "warn"]
    program(host, "runc", 'printf "runc version 1.1.12\\ncommit: x\\n"')
    program(host, "containerd-shim-runc-v2")
    found = list(doctor.check_runtime(machine(host)))
    assert [text for _, text, _ in found] == ["runc version 1.1.12", "containerd-shim-runc-v2"]
    (host / "bin/runc").unlink()
    (host / "bin/runc").mkdir()  # a folder is no program
    assert levels(doctor.check_runtime(machine(host))) == ["fail", "ok"]


@pytest.mark.parametrize(
    ("version", "level"),
    [
        *(("1.0.0-rc95", "warn"), ("1.1.5", "warn"), ("1.1.11", "warn")),
        *(("1.1.5+ds1", "ok"), ("1.1.7-0ubuntu1~22.04.2", "ok"), ("1.2.0-rc.1", "ok")),
        *(("1.1.12", "ok"), ("1.3.4", "ok"), ("of my own", "ok")),
    ],
)
def test_a_runc_that_lets_containers_out(host: Path, version: str, level: str) -> None:
    program(host, "runc", f'echo "runc version {version}"')
    program(host, "containerd-shim-runc-v2")
    assert levels(doctor.check_runtime(machine(host))) == [level, "ok"]


def test_an_init(host: Path) -> None:
    assert levels(doctor.check_init(machine(host))) == ["warn"]
    program(host, "tini")
    assert levels(doctor.check_init(machine(host))) == ["ok"]


def test_cni(host: Path) -> None:
    assert levels(doctor.check_cni(machine(host))) == ["ok"]
    write(host, "/etc/cni/net.d/10-pods.conflist", "{}")
    assert levels(doctor.check_cni(machine(host))) == ["warn"]
    write(host, "/opt/cni/bin/bridge")
    ((level, text, _),) = doctor.check_cni(machine(host))
    assert (level, text) == ("ok", "CNI plugins in /opt/cni/bin, 1 CNI networks")


@pytest.mark.parametrize(
    ("free", "level"), [(50 << 20, "fail"), (1 << 30, "warn"), (50 << 30, "ok")]
)
def test_disk(host: Path, monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    class Filesystem:
        f_bavail, f_frsize = free // 4096, 4096

    monkeypatch.setattr(os, "statvfs", lambda _: Filesystem)
    assert levels(doctor.check_disk(machine(host), "/var/lib/runner")) == [level]


def test_an_engine_that_does_not_answer(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNNER_HOST", raising=False)
    assert levels(doctor.check_engine(Context(f"unix://{host}/none"))) == ["fail"]
    monkeypatch.setattr(doctor, "DEFAULT_HOST", f"unix://{host}/none")
    ((level, text, _),) = doctor.check_engine(Context())
    assert (level, text) == ("ok", "no engine runs; the first command starts it")


def test_one_who_is_not_root_is_told() -> None:
    assert levels(doctor.check_user(1000)) == ["warn"]
    assert levels(doctor.check_user(0)) == ["ok"]
