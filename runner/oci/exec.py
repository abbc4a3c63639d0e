"""A process that is added to a container (moby ContainerExecStart, execSetPlatformOpt)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from runner.oci.defaults import capability_sets
from runner.oci.spec import Box, Process

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.oci.host import Host
    from runner.oci.spec import User


class _OnlyProcess(msgspec.Struct):
    process: Process


_decode = msgspec.json.Decoder(_OnlyProcess).decode


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """What differs from the container's own process.

    `user` None is the container's; `console_size` is height and width of a terminal.
    """

    args: Sequence[str]
    env: Sequence[str]
    working_dir: str
    user: User | None = None
    tty: bool = False
    console_size: tuple[int, int] | None = None
    privileged: bool = False


def exec_process(spec: bytes, request: ExecRequest, host: Host) -> bytes:
    """The OCI process, in JSON: the container's own of `spec`, with what the request changes.

    Limits, capabilities, AppArmor profile and OOM score are so the container's; a privileged exec
    has every capability, but the container's profile and system call filter stay.
    """
    process = _decode(spec).process
    process.args = list(request.args)
    process.env = list(request.env)
    process.cwd = request.working_dir or "/"
    process.terminal = request.tty
    process.console_size = None
    if request.tty and request.console_size is not None:
        height, width = request.console_size
        process.console_size = Box(height=height, width=width)
    if request.user is not None:
        process.user = request.user
    if request.privileged:
        process.capabilities = capability_sets(list(host.capabilities))
    return msgspec.json.encode(process)
