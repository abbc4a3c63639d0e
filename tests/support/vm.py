"""Some integration tests on a kernel of Debian's with cgroups of version 2, in a virtual machine.

    python -m tests.support.vm [pytest's arguments]

The machine that runs the tests may have cgroups of version 1, and another kernel. What is booted is
made here: a root file system of Debian's packages like the one for docker-in-docker, with runner
and its tests installed as docker/Dockerfile does, as a disk's image; and a first file system with
nothing but the disk's driver. qemu emulates in software, since not every machine lets kvm be used:
a minute there takes several.
"""

from __future__ import annotations

import dataclasses
import lzma
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from tests.support import debian, dind
from tests.support.apt import ToolchainError
from tests.support.toolchain import apt_install, path_with, run, static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPOSITORY: Final = Path(__file__).parents[2]
NAME: Final = "runner-vm"
SECONDS: Final = 1500
TESTS: Final = (
    "tests/integration/engine/test_cgroups.py",
    "tests/integration/engine/test_oom.py",
    "tests/integration/engine/test_update.py",
    "tests/integration/engine/test_states.py::test_a_paused_container_is_not_started",
    "tests/integration/engine/test_states.py::test_a_paused_container_can_be_killed",
    "tests/integration/test_docker_py.py::test_run_to_the_end",
    "tests/integration/test_docker_py.py::test_the_life_of_a_container",
    "tests/integration/test_docker_py.py::test_figures",
    "tests/integration/test_docker_py.py::test_exec",
    *("-m", "not thorough"),
)
_KERNEL: Final = "linux-image-cloud-amd64"
_FOR_ITS_INSTALLATION: Final = ("initramfs-tools", "klibc", "libklibc", "linux-base", "dracut")
_DRIVER: Final = "virtio_blk"
_SOURCE: Final = "usr/src/runner"
_SHIPPED: Final = (
    *("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"),
    *("protos", "runner", "tests", "bundles", "docker"),
)
_TESTS_WANT: Final = (
    *("bcrypt", "docker", "hypothesis", "pytest", "pytest-asyncio", "pytest-rerunfailures"),
    *("pytest-timeout", "pytest-xdist"),
)
_DONE: Final = "the machine's tests ended with status "

# Finds the disk and gives way to it.
_FIRST_INIT: Final = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
for driver in {drivers}; do /bin/busybox insmod /$driver; done
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox umount /dev
exec /bin/busybox switch_root /root /vm-init
"""

_INIT: Final = """\
#!/bin/sh
export {path} HOME=/root RUNNER_TEST_CONTAINERD=host RUNNER_TEST_DIR=/scratch
export RUNNER_TEST_PATIENCE=20
mkdir -p /run /var/log /scratch
mount -t devtmpfs none /dev; mkdir -p /dev/pts /dev/shm
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm; mount -t tmpfs none /run; mount -t tmpfs none /tmp
mount -t cgroup2 none /sys/fs/cgroup
# The kernel asks for it when iptables' rules need a module, and looks in /sbin.
echo /usr/sbin/modprobe >/proc/sys/kernel/modprobe
for module in overlay veth bridge nf_tables; do modprobe $module; done
ip link set lo up; hostname vm
cd /{source}
uname -sr; grep cgroup /proc/mounts; cat /sys/fs/cgroup/cgroup.controllers
containerd --version; runc --version | head -n 1; runner doctor
docker/entrypoint /opt/runner/bin/python -m pytest -v --color=no --timeout=900 \\
    -p no:cacheprovider --basetemp=/scratch/t {tests}
status=$?
echo; echo "{done}$status"
sync; poweroff -f
"""


def recipe() -> debian.Recipe:
    """The root file system."""
    base = dind.recipe()
    return dataclasses.replace(
        base,
        packages=(*base.packages, _KERNEL),
        drop=(*base.drop, *_FOR_ITS_INSTALLATION),
    )


def make(folder: Path, tests: Sequence[str]) -> tuple[Path, Path, Path]:
    """Kernel, first file system and disk."""
    root = folder / "root"
    debian.unpack(debian.archive_of(NAME, recipe()), root)
    (kernel,) = root.glob("boot/vmlinuz-*")
    version = kernel.name.removeprefix("vmlinuz-")
    copy_source(root / _SOURCE)
    within(root, "depmod", version)
    install(root)
    script = root / "vm-init"
    words = {"path": debian.PATH, "source": _SOURCE, "done": _DONE, "tests": shlex.join(tests)}
    script.write_text(_INIT.format(**words))
    script.chmod(0o755)
    disk = folder / "disk"
    run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(disk), "3G"])
    return kernel, first_file_system(folder / "first", root, version), disk


def copy_source(target: Path) -> None:
    """What docker/Dockerfile copies."""
    target.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in _SHIPPED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)


def install(root: Path) -> None:
    """Runner with what its tests want, of the wheels that are there."""
    within(root, "python3", "-m", "venv", "/opt/runner")
    pip = ["/opt/runner/bin/pip", "install", "--quiet", "--no-index", "--find-links", debian.WHEELS]
    within(root, *pip, f"/{_SOURCE}", *_TESTS_WANT)
    # What is compiled here need not be compiled there, where it takes ten times as long.
    compiled = (f"/usr/lib/python{debian.PYTHON}", f"/{_SOURCE}/runner", f"/{_SOURCE}/tests")
    within(root, "python3", "-m", "compileall", "-q", *compiled)
    (root / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    (root / "usr/local/bin/runner").symlink_to("/opt/runner/bin/runner")


def within(root: Path, *command: str) -> None:
    """Run it in the tree; its mounts are its own."""
    script = f"mount --bind /dev {root}/dev && mount -t proc proc {root}/proc && exec chroot"
    for name in ("dev", "proc"):
        (root / name).mkdir(exist_ok=True)
    chroot = ["unshare", "--mount", "sh", "-c", f'{script} "$@"', "sh", str(root)]
    run([*chroot, "env", "-i", debian.PATH, *command])


def first_file_system(folder: Path, root: Path, version: str) -> Path:
    """A cpio archive of busybox and of the disk's driver."""
    for name in ("bin", "dev", "root"):
        (folder / name).mkdir(parents=True)
    shutil.copy(static_busybox(), folder / "bin/busybox")
    names = []
    for name in drivers(root, version):
        module = root / "usr/lib/modules" / version / name
        names.append(module.name.removesuffix(".xz"))
        (folder / names[-1]).write_bytes(lzma.decompress(module.read_bytes()))
    init = folder / "init"
    init.write_text(_FIRST_INIT.format(drivers=" ".join(names)))
    init.chmod(0o755)
    made = folder.with_suffix(".cpio")
    listed = "\n".join(sorted(str(path.relative_to(folder)) for path in folder.rglob("*")))
    with made.open("wb") as archive:
        command = [str(static_busybox()), "cpio", "-o", "-H", "newc"]
        subprocess.run(command, cwd=folder, input=listed.encode(), stdout=archive, check=True)
    return made


def drivers(root: Path, version: str) -> list[str]:
    """The files of the disk's driver: those that it needs (modules.dep), then itself."""
    listed = (root / "usr/lib/modules" / version / "modules.dep").read_text().splitlines()
    needs = dict(line.split(":") for line in listed)
    (driver,) = (name for name in needs if Path(name).name.startswith(f"{_DRIVER}."))
    return [*reversed(needs[driver].split()), driver]


def boot(kernel: Path, first: Path, disk: Path) -> Iterator[str]:
    """What the machine says, line by line, until it is off."""
    command = [
        *("timeout", "--foreground", str(SECONDS), "qemu-system-x86_64"),
        # Of a plain processor, with nothing done against its faults, emulation takes a fifth less.
        *("-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "2G"),
        *("-nographic", "-no-reboot", "-nic", "none", "-kernel", str(kernel)),
        *("-initrd", str(first), "-append", "console=ttyS0 panic=-1 quiet mitigations=off"),
        *("-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"),
    ]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, **cast("Any", pipes)) as machine:
        for line in cast("IO[bytes]", machine.stdout):
            yield line.decode(errors="replace").rstrip()


def main(arguments: Sequence[str]) -> int:
    """Make it, boot it, tell what it says; the status of its tests, 1 where it cannot be made."""
    try:
        return _tests(arguments)
    except ToolchainError as error:
        print(f"the machine with cgroups of version 2: {error}", file=sys.stderr)
        return 1


def _tests(arguments: Sequence[str]) -> int:
    if shutil.which("qemu-system-x86_64", path=path_with()) is None:
        apt_install(["qemu-system-x86"])
    status = 1
    with tempfile.TemporaryDirectory(prefix="runner-vm-", dir="/var/tmp") as scratch:
        with dind.timed("the machine's disk"):
            parts = make(Path(scratch), arguments or TESTS)
        with dind.timed("the machine's run"):
            for line in boot(*parts):
                print(line, flush=True)
                if line.startswith(_DONE):
                    status = int(line.removeprefix(_DONE))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
