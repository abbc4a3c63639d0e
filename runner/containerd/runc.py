"""Options of the io.containerd.runc.v2 shim: how a container or a task of it is to be run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from runner.containerd._convert import any_of
from runner.containerd._pb.types.runc.options import oci_pb2

if TYPE_CHECKING:
    from google.protobuf.any_pb2 import Any

RUNTIME = "io.containerd.runc.v2"
OPTIONS = oci_pb2.Options.DESCRIPTOR.full_name


@dataclass(frozen=True, slots=True)
class RuncOptions:
    """containerd.runc.v1.Options. `binary_name` is runc where empty, `root` its state directory.

    The FIFOs of a task are made over to `io_uid` and `io_gid`. With `systemd_cgroup` the spec's
    cgroup path is `slice:prefix:name`.
    """

    binary_name: str = ""
    root: str = ""
    systemd_cgroup: bool = False
    io_uid: int = 0
    io_gid: int = 0
    no_pivot_root: bool = False
    no_new_keyring: bool = False
    shim_cgroup: str = ""
    criu_image_path: str = ""
    criu_work_path: str = ""

    def encode(self) -> Any:
        """As the Any that a runtime's or a task's options are given in."""
        return any_of(oci_pb2.Options(**asdict(self)))

    @classmethod
    def decode(cls, value: bytes) -> RuncOptions:
        """From the value of such an Any."""
        message = oci_pb2.Options.FromString(value)
        return cls(**{name: getattr(message, name) for name in cls.__dataclass_fields__})
