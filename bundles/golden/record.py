"""Record what a real dockerd makes of command lines, for our generator to be held against.

    python -m bundles.golden.record [name…]

Runs each of `command_lines.py` with the stock docker CLI on an oracle dockerd, as root, and writes
    cases/<name>.json     the command line, what the CLI sent, and the config.json made of it
    seccomp/<hash>.json   the seccomp sections, since most are the same
    refused/<name>.json   what the CLI sent, and dockerd's words when it refuses
    host.json             what the machine could do, for the generator to believe it is there
What differs from run to run (IDs, PIDs, temporary directories) is replaced by fixed values.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bundles.golden.command_lines import (
    BAD_PROFILES,
    COMMAND_LINES,
    REFUSED,
    SECCOMP_PROFILE,
)
from bundles.golden.tap import Tap
from runner.oci.host import read_host
from runner.oci.hostfiles import LiveHostFiles
from tests.support.dockerd import Dockerd, run_docker
from tests.support.toolchain import bin_dirs
from tests.support.workspace import cgroup_parents, remove_cgroups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bundles.golden.command_lines import CommandLine

HERE = Path(__file__).parent
DATA_ROOT = "/var/lib/docker"
SHARE = "/srv/golden"
INIT = "/usr/bin/docker-init"
PID = "/proc/4242/"

FULL_IMAGE = (
    'CMD ["1000"]',
    'ENTRYPOINT ["/bin/sleep"]',
    "ENV FROM_IMAGE=1 PATH=/opt/bin:/bin",
    "USER app",
    "WORKDIR /home/app",
    "LABEL image=full",
    "EXPOSE 80",
    "VOLUME /data",
    "STOPSIGNAL SIGINT",
)


def main(names: list[str]) -> None:
    """Record all cases, or those named."""
    if not names:
        for folder in ("cases", "refused", "seccomp"):
            shutil.rmtree(HERE / folder, ignore_errors=True)
            (HERE / folder).mkdir()
    record_host()
    with contextlib.ExitStack() as stack:
        share = stack.enter_context(shared_directory())
        recorder = Recorder(stack.enter_context(Dockerd()), share, stack)
        for name in names or COMMAND_LINES:
            recorder.record(name, COMMAND_LINES[name])
            print(f"recorded {name}")
        for name, line in REFUSED.items():
            recorder.record_refused(name, line)
            print(f"recorded refused {name}")
    # runc leaves the parent that --cgroup-parent names.
    remove_cgroups(set(cgroup_parents("golden")))


class Recorder:
    """An oracle with the images and the container that the command lines speak of."""

    def __init__(self, oracle: Dockerd, share: Path, stack: contextlib.ExitStack) -> None:
        self.oracle, self.share = oracle, share
        self.tap = stack.enter_context(Tap(oracle.socket))
        self._import("plain", ())
        self._import("full", FULL_IMAGE)
        self.donor = self._docker("run", "-d", "--ipc=shareable", "plain", "/bin/sleep", "1000")

    def record(self, name: str, line: CommandLine) -> None:
        """Run, read what came of it, remove."""
        body, container = self.tap.create_body(
            functools.partial(self._docker, *self._arguments(line))
        )
        try:
            case = self._case(line, body, container)
        finally:
            self._docker("rm", "-f", "-v", container)
        text = self._normalise(json.dumps(case), name, container)
        self._write(name, json.loads(text))

    def record_refused(self, name: str, line: CommandLine) -> None:
        """Try to run."""
        body, done = self.tap.create_body(functools.partial(self._try, *self._arguments(line)))
        devices = [mapping["PathOnHost"] for mapping in body["HostConfig"]["Devices"] or []]
        sources = [bind.partition(":")[0] for bind in body["HostConfig"]["Binds"] or []]
        message = re.search(
            r"Error response from daemon: (.*?)(\n\nRun '|\n*$)", done.stderr, re.DOTALL
        )
        assert done.returncode in (125, 126, 127), done
        assert message, done
        facts = host_files([], [], privileged=False)
        facts["plain_files"] = [path for path in devices if Path(path).exists()]
        facts["mounts"] = {source: mount_facts(source) for source in sources}
        case = {
            "command": f"docker run {line.flags} {line.image} {line.command}".strip(),
            "create": without_defaults(body),
            "host_files": facts,
            "message": message[1],
        }
        text = json.dumps(case, indent=1).replace(str(self.share), SHARE)
        (HERE / "refused" / f"{name}.json").write_text(text + "\n")

    def _arguments(self, line: CommandLine) -> list[str]:
        places = {"share": self.share, "donor": self.donor, "disk": disk()}
        flags = shlex.split(line.flags.format(**places))
        return ["run", "-d", *flags, line.image, *shlex.split(line.command)]

    def _case(self, line: CommandLine, body: dict[str, Any], container: str) -> dict[str, Any]:
        inspected = self.oracle.api("GET", f"/containers/{container}/json").json()
        image = self.oracle.api("GET", f"/images/{line.image}/json").json()
        devices = [mapping["PathOnHost"] for mapping in body["HostConfig"]["Devices"] or []]
        return {
            "command": f"docker run {line.flags} {line.image} {line.command}".strip(),
            "id": container,
            "create": without_defaults(body),
            "image": without_defaults(image["Config"]),
            "mounts": inspected["Mounts"],
            "host_files": host_files(
                devices, inspected["Mounts"], privileged=body["HostConfig"]["Privileged"]
            ),
            "spec": self._spec(container),
        }

    def _spec(self, container: str) -> dict[str, Any]:
        state = self.oracle.workspace.path / "state"
        (bundle,) = state.glob(f"io.containerd.runtime.v2.task/moby/{container}")
        spec: dict[str, Any] = json.loads((bundle / "config.json").read_bytes())
        return spec

    def _normalise(self, text: str, name: str, container: str) -> str:
        pid = self.oracle.api("GET", f"/containers/{self.donor}/json").json()["State"]["Pid"]
        replacements = {
            container: fixed_id(name),
            container[:12]: fixed_id(name)[:12],
            self.donor: fixed_id("donor"),
            self.donor[:12]: fixed_id("donor")[:12],
            str(self.share): SHARE,
            f"{self.oracle.workspace.path}/data": DATA_ROOT,
            str(init_path()): INIT,
            f"/proc/{pid}/": PID,
            f'"{socket.gethostname()}"': '"machine"',
            f'"HOSTNAME={socket.gethostname()}"': '"HOSTNAME=machine"',
        }
        for found, fixed in replacements.items():
            text = text.replace(found, fixed)
        # The names of anonymous volumes.
        return re.sub(r"/volumes/[0-9a-f]{64}/", f"/volumes/{fixed_id('volume')}/", text)

    def _write(self, name: str, case: dict[str, Any]) -> None:
        seccomp = case["spec"]["linux"].pop("seccomp", None)
        case["seccomp"] = seccomp and write_seccomp(seccomp)
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in case.items()]
        (HERE / "cases" / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

    def _import(self, name: str, changes: tuple[str, ...]) -> None:
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            file.write(root_archive())
            file.flush()
            options = [part for change in changes for part in ("--change", change)]
            self._docker("import", *options, file.name, name)

    def _try(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_docker(f"unix://{self.tap.path}", self.oracle.workspace, *arguments)

    def _docker(self, *arguments: str) -> str:
        done = self._try(*arguments)
        if done.returncode != 0:
            sys.exit(f"docker {shlex.join(arguments)}: {done.stderr}")
        return done.stdout.strip()


def without_defaults(value: Any) -> Any:
    """Leave out fields that decode to the same when absent; some lists differ when empty."""
    if not isinstance(value, dict):
        return value
    kept = {key: without_defaults(item) for key, item in value.items()}
    # Fields begin with a capital, unlike the keys of maps, such as --tmpfs /run has.
    return {key: item for key, item in kept.items() if item or item == [] or not key[0].isupper()}


def fixed_id(name: str) -> str:
    """The ID that stands for the container of a case."""
    return hashlib.sha256(name.encode()).hexdigest()


def init_path() -> Path:
    """The oracle's docker-init."""
    paths = (Path(folder) / "docker-init" for folder in bin_dirs("oracle"))
    return next(path for path in paths if path.exists())


def write_seccomp(section: dict[str, Any]) -> str:
    """The name of the file that holds the section."""
    text = json.dumps(section)
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    rules = ",\n  ".join(json.dumps(rule) for rule in section.pop("syscalls", []))
    head = json.dumps(section)[:-1]
    (HERE / "seccomp" / f"{name}.json").write_text(f'{head},\n "syscalls": [\n  {rules}\n]}}\n')
    return name


def record_host() -> None:
    """The facts that specs depend on."""
    facts = dataclasses.asdict(dataclasses.replace(read_host(), files=None))  # type: ignore[arg-type]
    facts.pop("files")
    facts["host_devices"] = msgspec.to_builtins(LiveHostFiles().host_devices())
    (HERE / "host.json").write_text(json.dumps(facts, indent=1) + "\n")


def host_files(
    devices: list[str], mounts: list[dict[str, Any]], *, privileged: bool
) -> dict[str, Any]:
    """What the generator asks of the host's files in this case."""
    files = LiveHostFiles()
    sources = [m["Source"] for m in mounts if m["Propagation"] not in ("", "rprivate", "private")]
    disk_path = disk()
    return {
        "devices": {path: msgspec.to_builtins(device_tree(path)) for path in devices},
        "links": {path: files.resolve(path) for path in devices if Path(path).is_symlink()},
        "numbers": {disk_path: files.device_number(disk_path)},
        "mounts": {source: mount_facts(source) for source in sources},
    }


def device_tree(path: str) -> Any:
    """The device at a path, or all devices below it."""
    files = LiveHostFiles()
    resolved = files.resolve(path)
    return files.devices_below(resolved) if Path(resolved).is_dir() else files.device(resolved)


def mount_facts(source: str) -> list[Any]:
    """The mount point that holds the path, and its propagation."""
    found = LiveHostFiles().mount_of(source)
    assert found is not None
    return [found.mountpoint, list(found.optional)]


@functools.cache
def disk() -> str:
    """A block device of this machine."""
    return next(f"/dev/{path.parent.name}" for path in Path("/sys/block").glob("*/device"))


def root_archive() -> bytes:
    """The images' root: a static busybox, and the accounts beside this file."""
    busybox = shutil.which("busybox")
    assert busybox, "install busybox-static"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(Path(busybox).resolve(), "bin/busybox")
        for name in ("sh", "sleep"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        archive.add(HERE / "rootfs" / "etc", "etc")
    return buffer.getvalue()


@contextlib.contextmanager
def shared_directory() -> Iterator[Path]:
    """What `{share}` stands for."""
    with tempfile.TemporaryDirectory(prefix="golden-") as name:
        path = Path(name)
        for folder in ("folder", "shared", "devices"):
            (path / folder).mkdir()
        (path / "file").write_text("golden\n")
        for profile, text in {"seccomp.json": SECCOMP_PROFILE, **BAD_PROFILES}.items():
            (path / profile).write_text(text)
        (path / "link").symlink_to("/dev/null")
        os.mknod(path / "devices" / "one", 0o020660, os.makedev(1, 3))
        os.mknod(path / "devices" / "two", 0o060640, os.makedev(7, 99))
        subprocess.run(["mount", "-t", "tmpfs", "golden", path / "shared"], check=True)
        try:
            subprocess.run(["mount", "--make-shared", path / "shared"], check=True)
            yield path
        finally:
            subprocess.run(["umount", path / "shared"], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
