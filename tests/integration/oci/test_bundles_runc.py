"""Bundles of ours under plain runc: what the settings do to the process, seen from inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from runner.oci.adapt import adapt_container_settings
from runner.oci.bundle import create_bundle
from runner.oci.host import read_host
from runner.oci.request import NetworkFiles, SpecRequest, UserMount
from runner.types.container import Config, DeviceMapping, HostConfig, Ulimit
from tests.support.toolchain import bin_dirs, static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.oci.host import Host

APPLETS = (
    "cat chroot df env grep hostname id ls mkdir mount ps pwd sh sleep stat sysctl touch true "
    "ulimit unshare"
)


@dataclass
class Runc:
    """A private runc with a root filesystem to make bundles of."""

    folder: Path
    host: Host

    def sh(
        self,
        script: str,
        config: Config | None = None,
        mounts: Sequence[UserMount] = (),
        **settings: Any,
    ) -> str:
        """Run a shell script in a container; what it printed, errors too."""
        name = f"runner-test-{uuid.uuid4().hex[:12]}"
        self._write(script, config or Config(hostname="box"), mounts, settings)
        command = ["runc", "--root", str(self.folder / "state"), "run", name]
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
        finally:
            delete = [*command[:3], "delete", "--force", name]
            subprocess.run(delete, capture_output=True, check=False)
        return done.stdout.strip()

    def _write(
        self,
        script: str,
        config: Config,
        mounts: Sequence[UserMount],
        settings: dict[str, Any],
    ) -> None:
        request = SpecRequest(
            id="0" * 64,
            config=config,
            host_config=adapt_container_settings(HostConfig(**settings), self.host),
            path="/bin/sh",
            # runc copies the two streams on their own: only the container can keep their order.
            args=["-c", f"exec 2>&1; {script}"],
            rootfs=self.folder / "rootfs",
            mounts=mounts,
            network_files=self._network_files(),
            init_path=docker_init(),
        )
        bundle = create_bundle(request, self.host)
        for file, source in bundle.files.items():
            shutil.copy(source, self.folder / file)
        (self.folder / "config.json").write_bytes(bundle.config)

    def _network_files(self) -> NetworkFiles:
        files = self.folder / "files"
        files.mkdir(exist_ok=True)
        for name in ("resolv.conf", "hostname", "hosts"):
            (files / name).write_text(f"this is {name}\n")
        return NetworkFiles(*(str(files / n) for n in ("resolv.conf", "hostname", "hosts")))


def docker_init() -> str:
    """The oracle's: a static one."""
    found = shutil.which("docker-init", path=os.pathsep.join(map(str, bin_dirs("oracle"))))
    assert found
    return found


@pytest.fixture
def runc(tmp_path: Path) -> Iterator[Runc]:
    root = tmp_path / "rootfs"
    for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "data", "sbin"):
        (root / folder).mkdir(parents=True)
    shutil.copy(static_busybox(), root / "bin/busybox")
    for applet in APPLETS.split():
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:::\napp:x:1000:1000::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\napp:x:1000:\naudio:x:29:app\nvideo:x:44:\n")
    (root / "tmp").chmod(0o1777)
    yield Runc(tmp_path, read_host())


def test_user_and_groups(runc: Runc) -> None:
    config = Config(user="app", hostname="box")
    assert runc.sh("id", config, group_add=["video", "777"]) == (
        "uid=1000(app) gid=1000(app) groups=29(audio),44(video),777,1000(app)"
    )


def test_environment_hostname_and_files(runc: Runc) -> None:
    config = Config(hostname="web", domainname="example.org", env=["A=b", "PATH=/bin"])
    (runc.folder / "rootfs/work").mkdir()
    config.working_dir = "/work"
    script = "pwd; hostname; cat /proc/sys/kernel/domainname /etc/hosts; env"
    output = runc.sh(script, config).splitlines()
    assert output[:4] == ["/work", "web", "example.org", "this is hosts"]
    assert {"A=b", "PATH=/bin", "HOSTNAME=web"} <= set(output)


def test_capabilities(runc: Runc) -> None:
    script = "grep Cap /proc/self/status"
    usual = dict(line.split() for line in runc.sh(script).splitlines())
    assert usual["CapBnd:"] == usual["CapEff:"] == "00000000a80425fb"
    assert usual["CapInh:"] == usual["CapAmb:"] == "0" * 16
    dropped = runc.sh(script, cap_drop=["ALL"], cap_add=["kill"]).splitlines()
    assert {line.split()[1] for line in dropped} == {"0" * 16, f"{1 << 5:016x}"}


def test_read_only_root_and_tmpfs(runc: Runc) -> None:
    script = (
        "touch /file; touch /etc/hosts; touch /cache/file && echo written; "
        "grep ' /cache ' /proc/mounts"
    )
    output = runc.sh(script, readonly_rootfs=True, tmpfs={"/cache": "size=64k,mode=1750"})
    lines = output.splitlines()
    assert lines[0] == "touch: /file: Read-only file system"
    assert lines[1] == "touch: /etc/hosts: Read-only file system"
    assert lines[2] == "written"
    assert "nosuid,nodev,noexec" in lines[3]
    assert "size=64k,mode=1750" in lines[3]


def test_bind_mounts(runc: Runc) -> None:
    source = runc.folder / "source"
    source.mkdir()
    (source / "seen").touch()
    mounts = [
        UserMount(str(source), "/data", propagation="rprivate"),
        UserMount(str(source), "/frozen", writable=False, propagation="rprivate"),
    ]
    output = runc.sh("ls /frozen; touch /data/new; touch /frozen/no", mounts=mounts)
    assert output.splitlines() == ["seen", "touch: /frozen/no: Read-only file system"]
    assert (source / "new").exists()


def test_memory_and_pids_in_the_cgroup(runc: Runc) -> None:
    if runc.host.cgroup_version == 2:
        files = "/sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max"
    else:
        files = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max"
    limits = runc.sh(f"cat {files}", memory=64 << 20, pids_limit=33)
    assert limits.split() == [str(64 << 20), "33"]


def test_shared_memory_ulimits_and_oom_score(runc: Runc) -> None:
    output = runc.sh(
        "df -k /dev/shm | grep shm; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj",
        shm_size=1 << 20,
        ulimits=[Ulimit(name="nofile", soft=100, hard=200)],
        oom_score_adj=300,
    )
    filesystem, *others = output.splitlines()
    assert filesystem.split()[:2] == ["shm", "1024"]
    assert others == ["100", "200", "300"]


def test_seccomp(runc: Runc) -> None:
    script = "grep Seccomp: /proc/self/status; unshare -m true; chroot / /bin/true && echo rooted"
    default = runc.sh(script).splitlines()
    assert default[0].split() == ["Seccomp:", "2"]
    assert default[1].endswith("Operation not permitted")
    assert default[2] == "rooted"
    profile = (
        '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chroot"], '
        '"action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}'
    )
    custom = runc.sh(script, security_opt=[f"seccomp={profile}"])
    assert "chroot: can't change root directory to '/': No space left on device" in custom
    unconfined = runc.sh(script, security_opt=["seccomp=unconfined"], cap_add=["SYS_ADMIN"])
    assert [line.split()[-1] for line in unconfined.splitlines()] == ["0", "rooted"]


def test_devices(runc: Runc) -> None:
    node = runc.folder / "node"
    os.mknod(node, 0o020600, os.makedev(1, 11))  # kmsg, which no default rule allows
    script = (
        "stat -c '%t:%T %a' /dev/mine; (: </dev/mine) && echo readable; "
        "(: >>/dev/mine) && echo writable"
    )
    devices = [
        DeviceMapping(
            path_on_host=str(node), path_in_container="/dev/mine", cgroup_permissions="rm"
        )
    ]
    read_only = runc.sh(script, devices=devices, cap_add=["SYSLOG"]).splitlines()
    assert read_only[:2] == ["1:b 600", "readable"]
    assert read_only[2].endswith("can't create /dev/mine: Operation not permitted")
    devices[0].cgroup_permissions = "rwm"
    both = runc.sh(script, devices=devices, cap_add=["SYSLOG"]).splitlines()
    assert both[1:] == ["readable", "writable"]


def test_device_cgroup_rules(runc: Runc) -> None:
    script = "mknod /dev/mine c 1 11 && (: </dev/mine) && echo readable"
    (runc.folder / "rootfs/bin/mknod").symlink_to("busybox")
    assert runc.sh(script, cap_add=["SYSLOG"]).endswith("Operation not permitted")
    allowed = runc.sh(script, cap_add=["SYSLOG"], device_cgroup_rules=["c 1:11 rm"])
    assert allowed == "readable"


def test_init_and_pid_namespace(runc: Runc) -> None:
    script = "cat /proc/1/cmdline | tr '\\0' ' '; echo; echo $$"
    (runc.folder / "rootfs/bin/tr").symlink_to("busybox")
    first, shell = runc.sh(script, init=True).splitlines()
    assert first.startswith("/sbin/docker-init -- /bin/sh -c")
    assert int(shell) > 1
    assert runc.sh("echo $$") == "1"


def test_masked_and_read_only_paths(runc: Runc) -> None:
    script = "cat /proc/timer_list | grep -c .; touch /proc/sys/kernel/domainname; true"
    masked = runc.sh(script).splitlines()
    assert masked == ["0", "touch: /proc/sys/kernel/domainname: Read-only file system"]
    unmasked = runc.sh(script, masked_paths=[], readonly_paths=[]).splitlines()
    assert int(unmasked[0]) > 0
    assert len(unmasked) == 1


def test_privileged(runc: Runc) -> None:
    output = runc.sh(
        "grep Seccomp: /proc/self/status; mount -t tmpfs none /data && echo mounted; "
        "test -e /dev/kmsg && echo devices; grep ' /sys ' /proc/mounts",
        privileged=True,
    )
    seccomp, mounted, devices, sysfs = output.splitlines()
    assert seccomp.split() == ["Seccomp:", "0"]
    assert (mounted, devices) == ("mounted", "devices")
    assert sysfs.split()[3].startswith("rw")


def test_sysctls_of_the_network(runc: Runc) -> None:
    names = "net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.ip_forward"
    values = runc.sh(
        f"for name in {names}; do sysctl -n $name; done",
        network_mode="none",
        sysctls={"net.ipv4.ip_forward": "1"},
    )
    assert values.split() == ["0", "0", "2147483647", "1"]


def test_no_new_privileges(runc: Runc) -> None:
    script = "grep NoNewPrivs /proc/self/status"
    assert runc.sh(script).split()[1] == "0"
    assert runc.sh(script, security_opt=["no-new-privileges"]).split()[1] == "1"
