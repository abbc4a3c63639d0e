from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from runner.oci.host import go_architecture, parse_cpus, read_host
from runner.oci.hostfiles import LiveHostFiles, NotADevice
from runner.oci.recursive_read_only import recursive_read_only_problem

if TYPE_CHECKING:
    from pathlib import Path


def test_this_machine() -> None:
    host = read_host()
    assert host.cgroup_version in (1, 2)
    assert host.cgroup_driver in ("systemd", "cgroupfs")
    assert host.uses_systemd is (host.cgroup_driver == "systemd")
    assert host.kernel_release == os.uname().release
    assert "CAP_CHOWN" in host.capabilities or os.geteuid() != 0


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0\n", [0]), ("0-3\n", [0, 1, 2, 3]), ("0-1,4,7-8", [0, 1, 4, 7, 8]), ("1-", [1])],
)
def test_cpus(text: str, cpus: list[int]) -> None:
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize("text", ["", "a", "-1"])
def test_bad_cpus(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_cpus(text)


@pytest.mark.parametrize(
    ("machine", "name"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("s390x", "s390x")]
)
def test_architectures(machine: str, name: str) -> None:
    assert go_architecture(machine) == name


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 1", ": OCI features struct is not available"),
        ("echo nonsense", ": OCI features struct is not available"),
        ("""echo '{"mountOptions": ["ro"]}'""", ""),
    ],
)
def test_runtimes_without_recursive_read_only(tmp_path: Path, script: str, problem: str) -> None:
    runtime = tmp_path / "runtime"
    runtime.write_text(f"#!/bin/sh\n{script}\n")
    runtime.chmod(0o755)
    found = recursive_read_only_problem(str(runtime))
    assert found == f'rro is not supported by runtime "{runtime}"{problem}'


def test_runtime_with_recursive_read_only(tmp_path: Path) -> None:
    runtime = tmp_path / "runtime"
    runtime.write_text("""#!/bin/sh\necho '{"mountOptions": ["ro", "rro"], "hooks": null}'\n""")
    runtime.chmod(0o755)
    assert recursive_read_only_problem(str(runtime)) == ""


def test_a_device() -> None:
    null = LiveHostFiles().device("/dev/null")
    assert (null.path, null.type, null.major, null.minor) == ("/dev/null", "c", 1, 3)
    assert null.file_mode == stat.S_IMODE(os.stat("/dev/null").st_mode)
    assert LiveHostFiles().device_number("/dev/null") == (1, 3)


def test_what_is_no_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    files = LiveHostFiles()
    for path in (tmp_path, tmp_path / "link"):
        with pytest.raises(NotADevice):
            files.device(str(path))
    assert files.resolve(str(tmp_path / "link")) == "/dev/null"
    (tmp_path / "loop").symlink_to("loop")
    assert files.resolve(str(tmp_path / "loop")) == str(tmp_path / "loop")


def test_devices_below(tmp_path: Path) -> None:
    for name in ("b/two", "a/one"):
        (tmp_path / name).parent.mkdir()
        os.mkfifo(tmp_path / name)
    (tmp_path / "file").touch()
    found = LiveHostFiles().devices_below(str(tmp_path))
    assert [(device.path, device.type) for device in found] == [
        (f"{tmp_path}/a/one", "p"),
        (f"{tmp_path}/b/two", "p"),
    ]


def test_host_devices() -> None:
    paths = [device.path for device in LiveHostFiles().host_devices()]
    assert "/dev/null" in paths
    assert "/dev/console" not in paths
    assert not [path for path in paths if path.startswith(("/dev/pts/", "/dev/shm/"))]
    assert paths == sorted(paths, key=lambda path: path.split("/"))


def test_mount_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self/status")
    found = LiveHostFiles().mount_of(str(tmp_path / "link"))
    assert found is not None
    assert found.mountpoint == "/proc"
    with pytest.raises(FileNotFoundError):
        LiveHostFiles().mount_of(str(tmp_path / "none"))
