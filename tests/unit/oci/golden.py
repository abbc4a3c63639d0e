"""The recorded cases of bundles/golden, and our generator fed with what was recorded."""

from __future__ import annotations

import errno
import functools
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from runner.engine.verify.container import translate_working_dir
from runner.linux.mountinfo import MountInfo
from runner.oci.adapt import adapt_container_settings
from runner.oci.create import create_spec
from runner.oci.host import Host
from runner.oci.hostfiles import NotADevice
from runner.oci.merge import get_entrypoint_and_args, merge_and_verify_config
from runner.oci.request import NamespacePaths, NetworkFiles, SpecRequest, UserMount
from runner.oci.spec import LinuxDevice
from runner.types.container import Config, CreateRequest, HostConfig
from runner.types.image import ImageRunConfig
from runner.types.modes import IpcMode, NetworkMode, PidMode
from runner.types.wire import from_wire

GOLDEN = Path(__file__).parents[3] / "bundles" / "golden"
ROOTFS = GOLDEN / "rootfs"
DATA_ROOT = "/var/lib/docker"
PID = "/proc/4242/ns"
INIT = "/usr/bin/docker-init"

Json = dict[str, Any]


@dataclass(frozen=True)
class Golden:
    """One recorded case. Those that dockerd refused have a message, the others a spec."""

    name: str
    command: str
    create: Json
    host_files: Json
    id: str = "0" * 64
    image: Json = field(default_factory=dict)
    mounts: list[Json] = field(default_factory=list)
    spec: Json = field(default_factory=dict)
    message: str = ""

    @functools.cached_property
    def request(self) -> CreateRequest:
        return from_wire(self.create, CreateRequest)

    def generate(self) -> Json:
        """The spec that our generator makes. Raises what it does not make one of."""
        spec: Json = msgspec.json.decode(
            msgspec.json.encode(create_spec(self._request(), self.host))
        )
        return spec

    @property
    def host(self) -> Host:
        return replace(machine(), files=RecordedFiles(self.host_files))

    def _request(self) -> SpecRequest:
        config, settings = self._config(), self._host_config()
        path, args = get_entrypoint_and_args(config.entrypoint, config.cmd)
        return SpecRequest(
            id=self.id,
            config=config,
            host_config=settings,
            path=path,
            args=args,
            rootfs=ROOTFS,
            mounts=[self._user_mount(mount) for mount in self.mounts if mount["Type"] != "tmpfs"],
            network_files=self._network_files(NetworkMode(settings.network_mode)),
            namespaces=self._namespaces(settings),
            shm_path=self._shm_path(IpcMode(settings.ipc_mode)),
            init_path=INIT,
        )

    def _config(self) -> Config:
        image = msgspec.convert(self.image, ImageRunConfig)
        config = merge_and_verify_config(self.request, image)
        mode = NetworkMode((self.request.host_config or HostConfig()).network_mode)
        default = "machine" if mode.is_host else (mode.container or self.id)[:12]
        translate_working_dir(config)
        return msgspec.structs.replace(config, hostname=config.hostname or default)

    def _host_config(self) -> HostConfig:
        return adapt_container_settings(self.request.host_config or HostConfig(), self.host)

    def _user_mount(self, mount: Json) -> UserMount:
        """What the volume code makes of --volume and --mount."""
        options = self._bind_options().get(mount["Destination"], {})
        chosen = options.get("Propagation", "") + mount.get("Mode", "")
        return UserMount(
            source=mount["Source"],
            destination=mount["Destination"],
            writable=mount["RW"],
            propagation=mount["Propagation"],
            propagation_by_default="slave" not in chosen,
            non_recursive=options.get("NonRecursive", False),
            read_only_non_recursive=options.get("ReadOnlyNonRecursive", False),
            read_only_force_recursive=options.get("ReadOnlyForceRecursive", False),
        )

    def _bind_options(self) -> dict[str, Json]:
        mounts = self.create["HostConfig"].get("Mounts", [])
        return {mount["Target"]: mount.get("BindOptions", {}) for mount in mounts}

    def _network_files(self, mode: NetworkMode) -> NetworkFiles:
        folder = f"{DATA_ROOT}/containers/{mode.container or self.id}"
        return NetworkFiles(f"{folder}/resolv.conf", f"{folder}/hostname", f"{folder}/hosts")

    def _namespaces(self, settings: HostConfig) -> NamespacePaths:
        network = NetworkMode(settings.network_mode)
        ipc, pid = IpcMode(settings.ipc_mode), PidMode(settings.pid_mode)
        return NamespacePaths(
            network=f"{PID}/net" if network.is_container else f"/run/runner/netns/{self.id}",
            ipc=f"{PID}/ipc" if ipc.is_container else "",
            pid=f"{PID}/pid" if pid.is_container else "",
        )

    def _shm_path(self, mode: IpcMode) -> str:
        if mode.is_host:
            return "/dev/shm"
        if mode.is_private or mode.is_none:
            return ""
        return f"{DATA_ROOT}/containers/{mode.container or self.id}/mounts/shm"


class RecordedFiles:
    """The recording machine's files."""

    def __init__(self, facts: Json) -> None:
        self._facts = facts

    def device(self, path: str) -> LinuxDevice:
        for original, found in self._facts["devices"].items():
            if self.resolve(original) == path:
                if isinstance(found, list):
                    raise NotADevice(path)
                return msgspec.convert(found, LinuxDevice)
        if path in self._facts.get("plain_files", ()):
            raise NotADevice(path)
        raise missing(path)

    def resolve(self, path: str) -> str:
        return str(self._facts["links"].get(path, path))

    def devices_below(self, directory: str) -> list[LinuxDevice]:
        if directory not in self._facts["devices"]:
            raise missing(directory)
        return msgspec.convert(self._facts["devices"][directory], list[LinuxDevice])

    def host_devices(self) -> list[LinuxDevice]:
        return msgspec.convert(host_facts()["host_devices"], list[LinuxDevice])

    def device_number(self, path: str) -> tuple[int, int]:
        if path not in self._facts["numbers"]:
            raise missing(path)
        major, minor = self._facts["numbers"][path]
        return major, minor

    def mount_of(self, path: str) -> MountInfo | None:
        mountpoint, optional = self._facts["mounts"][path]
        return MountInfo(1, 0, "/", mountpoint, (), tuple(optional), "", "", ())

    def ensure_default_apparmor_profile(self) -> None:
        pass


def missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


@functools.cache
def host_facts() -> Json:
    facts: Json = json.loads((GOLDEN / "host.json").read_text())
    return facts


@functools.cache
def machine() -> Host:
    """The recording machine, but for its files."""
    facts: Json = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in host_facts().items()
        if key != "host_devices"
    }
    return Host(**facts)


@functools.cache
def load(name: str) -> Golden:
    case = json.loads((GOLDEN / "cases" / f"{name}.json").read_text())
    seccomp = case.pop("seccomp")
    if seccomp:
        case["spec"]["linux"]["seccomp"] = json.loads(
            (GOLDEN / "seccomp" / f"{seccomp}.json").read_text()
        )
    return Golden(name=name, **case)


@functools.cache
def load_refused(name: str) -> Golden:
    case = json.loads((GOLDEN / "refused" / f"{name}.json").read_text())
    binds = case["create"]["HostConfig"].get("Binds", [])
    case["mounts"] = [parse_bind(bind) for bind in binds]
    return Golden(name=name, **case)


def parse_bind(bind: str) -> Json:
    """What inspect would have shown, had it got so far."""
    source, destination, mode = bind.split(":")
    return {
        "Type": "bind",
        "Source": source,
        "Destination": destination,
        "Mode": mode,
        "RW": True,
        "Propagation": mode,
    }


def names(kind: str = "cases") -> list[str]:
    return sorted(path.stem for path in GOLDEN.glob(f"{kind}/*.json"))
