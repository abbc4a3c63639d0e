"""docker/entrypoint: what it does to the container, in mount and cgroup namespaces of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRYPOINT = Path(__file__).parents[2] / "docker/entrypoint"

IPTABLES = """\
#!/bin/sh
case $0 in
*{broken}*) echo "no such table" >&2; exit 1 ;;
esac
"""


def enter(script: str, *command: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Prepare namespaces by the script, then let the entrypoint run the command in them."""
    folders = [str(path)] if path else []
    environment = {**os.environ, "PATH": ":".join([*folders, os.environ["PATH"], "/usr/sbin"])}
    unshare = ["unshare", "--mount", "--net", "--cgroup", "--propagation=private"]
    shell = ["sh", "-euc", f'{script}\nexec "$@"', "sh", str(ENTRYPOINT), *command]
    return subprocess.run(
        [*unshare, *shell], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def cgroup2(tmp_path: Path) -> Iterator[Path]:
    """A cgroup of version 2, with no processes yet."""
    root = tmp_path / "cgroup2"
    root.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "none", str(root)], check=True)
    cgroup = root / f"entrypoint-{secrets.token_hex(4)}"
    cgroup.mkdir()
    yield cgroup
    for folder in (cgroup / "init", cgroup):
        with contextlib.suppress(FileNotFoundError):
            folder.rmdir()
    subprocess.run(["umount", str(root)], check=True)


def test_a_command_is_run_with_its_arguments() -> None:
    done = enter(":", "printf", "<%s>", "a b", "c")
    assert (done.returncode, done.stdout, done.stderr) == (0, "<a b><c>", "")


def test_mounts_are_shared_with_containers() -> None:
    done = enter(":", "grep", " / / ", "/proc/self/mountinfo")
    assert " shared:" in done.stdout


def test_processes_leave_the_root_of_a_cgroup2(cgroup2: Path) -> None:
    """So that the root can give its controllers to the containers' cgroups."""
    # The namespace is made anew below the cgroup: its root is what the container sees.
    enter_cgroup = f"echo $$ >{cgroup2}/cgroup.procs"
    script = "mount -t cgroup2 none /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.procs >&2"
    inner = ["unshare", "--mount", "--net", "--cgroup", "--propagation=private"]
    show = "cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs"
    outer = ["sh", "-euc", f'{enter_cgroup}; exec "$@"', "sh"]
    shell = ["sh", "-euc", f'{script}; exec "$@"', "sh"]
    done = subprocess.run(
        [*outer, *inner, *shell, str(ENTRYPOINT), "sh", "-c", show],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.strip() != ""
    assert done.stdout.splitlines()[-1] == "0::/init"


def test_cgroups_are_mounted_where_none_are() -> None:
    hide = "umount -R /sys/fs/cgroup || umount -l /sys/fs/cgroup"
    done = enter(hide, "grep", "-c", " - cgroup2\\{0,1\\} ", "/proc/self/mountinfo")
    assert int(done.stdout) > 0, done.stderr


@pytest.mark.parametrize("broken", ["/nft/", "/"])
def test_legacy_iptables_where_the_kernel_has_no_other(tmp_path: Path, broken: str) -> None:
    programs = tmp_path / "nft"
    programs.mkdir()
    for name in ("iptables", "ip6tables"):
        for part in ("", "-save", "-restore"):
            for kind in ("", "-legacy"):
                program = programs / f"{name}{kind}{part}"
                program.write_text(IPTABLES.format(broken=broken))
                program.chmod(0o755)
    private_run = "mount -t tmpfs none /run"
    done = enter(private_run, "sh", "-c", "command -v ip6tables-restore", path=programs)
    if broken == "/":
        assert done.stderr == "runner-entrypoint: iptables does not work: no such table\n"
        assert done.stdout == f"{programs}/ip6tables-restore\n"
    else:
        assert "iptables-legacy is used" in done.stderr
        assert done.stdout == "/run/runner-iptables/ip6tables-restore\n"


def test_without_a_legacy_iptables_it_goes_on(tmp_path: Path) -> None:
    program = tmp_path / "iptables"
    program.write_text(IPTABLES.format(broken="/"))
    program.chmod(0o755)
    script = """
    mount -t tmpfs none /run
    for name in iptables ip6tables; do
        for part in "" -save -restore; do
            while there=$(command -v "$name-legacy$part"); do mount --bind /dev/null "$there"; done
        done
    done
    """
    done = enter(script, "echo", "on", path=tmp_path)
    assert done.stdout == "on\n"
    assert done.stderr == "runner-entrypoint: iptables does not work: no such table\n"


def test_without_the_right_to_mount_it_says_what_is_missing() -> None:
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run(
        [*drop, str(ENTRYPOINT), "true"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "the container must be privileged (docker run --privileged)" in done.stderr
