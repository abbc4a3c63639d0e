"""Ways to become somebody else, or more, than the settings say, tried."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.security.support import LOADED, load, shell
from tests.support import syscalls
from tests.support.images import PASSWD, file

if TYPE_CHECKING:
    from tests.support.subject import Subject

needs_program = pytest.mark.skipif(not syscalls.supported(), reason="the program is x86-64's")

TOO_LARGE = ["2147483648", "4294967295", "4294967296", "18446744073709551616", "-1"]


@pytest.mark.parametrize("number", TOO_LARGE)
def test_numbers_that_wrap_around(ours: Subject, tmp_path: Path, number: str) -> None:
    """CVE-2024-40635: a user or group beyond what the kernel has came out as root."""
    load(ours, tmp_path, [], User=number)
    look = "id -u; id -g"
    for heard in (
        shell(ours, look, f"--user={number}"),
        shell(ours, look, f"--user=1000:{number}"),
        shell(ours, look, "--user=1000", f"--group-add={number}"),
        shell(ours, look, image="hostile"),
    ):
        assert "uids and gids must be in range 0-2147483647" in heard or "unable to find" in heard
        assert "\n0\n" not in f"\n{heard}"
    ours.create("sleep", "1000")
    assert ours.start().status == 204
    done = ours.docker("exec", f"--user={number}", "box", "sh", "-c", look)
    assert done.returncode != 0
    assert done.stdout == ""


@pytest.mark.parametrize("number", ["4294967296", "18446744073709551616"])
def test_an_images_user_that_wraps_around(ours: Subject, tmp_path: Path, number: str) -> None:
    """The same by the image's passwd and group."""
    files = [
        file("etc/passwd", f"{PASSWD}evil:x:{number}:{number}::/:/bin/sh\n"),
        file("etc/group", f"evil:x:{number}:tester\n"),
    ]
    assert LOADED in load(ours, tmp_path, files)
    for user in ("evil", "1000:evil", "tester"):
        lines = shell(ours, "id -u; id -g; id -G", "-u", user, image="hostile").splitlines()
        assert "0" not in " ".join(lines).split()


def test_a_number_that_is_a_name(ours: Subject, tmp_path: Path) -> None:
    """CVE-2016-3697: an image whose passwd gives root's number to a user called 1000."""
    load(
        ours,
        tmp_path,
        [
            file("etc/passwd", f"1000:x:0:0::/root:/bin/sh\n{PASSWD}"),
            file("etc/group", "1000:x:0:\n2000:x:0:\nroot:x:0:\n"),
        ],
        User="1000:2000",
    )
    look = "id -u; id -g"
    assert shell(ours, look, image="hostile") == "1000\n2000\n"
    assert shell(ours, look, "-u", "1000:2000", image="hostile") == "1000\n2000\n"


def _opened(ours: Subject, *words: str) -> str:
    """What the program that opens a file has met with."""
    done = ours.docker(*words)
    assert done.returncode == 0, done.stderr
    return syscalls.opened(done.stdout.encode(errors="surrogateescape"))


@needs_program
def test_a_group_that_shall_not_read(ours: Subject, tmp_path: Path) -> None:
    """CVE-2022-36109, CVE-2023-25173: a file that everybody but a group may read. Its member has
    the group among its supplementary ones, and so cannot leave it by a setgid program."""
    program = syscalls.opening("/forbidden")
    files = [file("forbidden", "", 0o604, 0, 1000), file("open", program, 0o2755, 0, 2000)]
    load(ours, tmp_path, files)
    assert _opened(ours, "run", "--rm", "-u", "33:33", "hostile", "/open") == "ok"
    for user in ("1000:1000", "tester", "1000"):
        assert _opened(ours, "run", "--rm", "-u", user, "hostile", "/open") == "EACCES"
    ours.create("sleep", "1000", Image="hostile", User="1000:1000")
    assert ours.start().status == 204
    for options in ([], ["-u", "1000:1000"], ["-u", "tester"]):
        assert _opened(ours, "exec", *options, "box", "/open") == "EACCES"


def _sets(text: str) -> dict[str, int]:
    lines = (line.split() for line in text.splitlines() if line.startswith("Cap"))
    return {name.rstrip(":"): int(value, 16) for name, value in lines}


LOOK = ("grep", "^Cap", "/proc/self/status")


def test_no_capability_is_inherited(ours: Subject) -> None:
    """CVE-2022-24769: inheritable ones become permitted by a file's; CVE-2016-8867: ambient ones
    are kept by whoever is not root."""
    ours.create("sleep", "1000")
    assert ours.start().status == 204
    user = ["--user=1000", "--cap-add=SYS_ADMIN"]
    for options in ([], ["--privileged"], ["--cap-add=ALL"], user):
        sets = _sets(ours.docker("run", "--rm", *options, "busybox", *LOOK).stdout)
        assert sets["CapInh"] == sets["CapAmb"] == 0
        assert options != user or sets["CapEff"] == sets["CapPrm"] == 0
    for options in ([], ["--privileged"], ["--user=1000"], ["--user=1000", "--privileged"]):
        sets = _sets(ours.docker("exec", *options, "box", *LOOK).stdout)
        assert sets["CapInh"] == sets["CapAmb"] == 0
        if "--user=1000" in options:
            assert sets["CapEff"] == 0


@needs_program
def test_a_setuid_program_gains_nothing(ours: Subject, tmp_path: Path) -> None:
    """With no-new-privileges, in execs too."""
    program = syscalls.opening("/forbidden")
    load(ours, tmp_path, [file("forbidden", "", 0o600), file("open", program, 0o4755)])
    user, guard = ("-u", "1000"), ("--security-opt", "no-new-privileges")
    assert _opened(ours, "run", "--rm", *user, "hostile", "/open") == "ok"
    assert _opened(ours, "run", "--rm", *user, *guard, "hostile", "/open") == "EACCES"
    ours.docker("run", "-d", "--name", "box", *user, *guard, "hostile", "sleep", "1000")
    assert _opened(ours, "exec", "box", "/open") == "EACCES"


def test_a_setting_within_a_setting(ours: Subject) -> None:
    """CVE-2022-0811: a value that goes on with a setting of the host's."""
    before = _core_pattern()
    for setting in (
        "kernel.shm_rmid_forced=1+kernel.core_pattern=|/planted",
        "kernel.shm_rmid_forced=1\nkernel.core_pattern=|/planted",
        "kernel.core_pattern=|/planted",
        "kernel/../kernel/core_pattern=|/planted",
        "net.ipv4.../../../kernel/core_pattern=|/planted",
        "net./../kernel/core_pattern=|/planted",
    ):
        ours.docker("run", "--rm", "--sysctl", setting, "busybox", "true")
        assert _core_pattern() == before


def _core_pattern() -> str:
    return Path("/proc/sys/kernel/core_pattern").read_text()


def test_an_environment_reaches_nobody_outside(ours: Subject, tmp_path: Path) -> None:
    """CVE-2019-14271 and CVE-2025-23266: programs of the host's that serve a container are not
    told what to load by the container's environment, nor do they find its programs."""
    planted = "#!/bin/sh\ntouch /planted\n"
    names = ("ps", "runc", "iptables", "tar", "python3", "containerd-shim-runc-v2")
    load(
        ours,
        tmp_path,
        [file("evil.so", "no library"), *(file(f"evil/{name}", planted, 0o755) for name in names)],
    )
    variables = {
        "LD_PRELOAD": "/evil.so",
        "LD_LIBRARY_PATH": "/evil",
        "PATH": "/evil:/bin",
        "PYTHONPATH": "/evil",
        "GODEBUG": "crash=1",
    }
    ours.create(
        "sleep", "1000", Image="hostile", Env=[f"{k}={v}" for k, v in variables.items()],
        Healthcheck={"Test": ["CMD", "true"], "Interval": 10**9},
    )  # fmt: skip
    assert ours.start().status == 204
    for words in (
        ["top", "box"],
        ["exec", "box", "true"],
        ["cp", "box:/etc/passwd", str(tmp_path)],
        ["stats", "--no-stream", "box"],
        ["diff", "box"],
        ["restart", "-t", "0", "box"],
    ):
        done = ours.docker(*words)
        assert done.returncode == 0, done.stderr
    assert "planted" not in ours.docker("diff", "box").stdout
