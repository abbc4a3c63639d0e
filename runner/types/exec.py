"""Exec in the Engine API (moby api/types/container/exec.go, backend.ExecInspect)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.types.wire import Unsigned, Wire


class ExecOptions(Wire, rename="pascal"):
    """What is to be run in a container, and how: the body of the request that makes an exec."""

    user: str = ""
    privileged: bool = False
    tty: bool = False
    console_size: tuple[Unsigned, Unsigned] | None = None
    attach_stdin: bool = False
    attach_stderr: bool = False
    attach_stdout: bool = False
    detach_keys: str = ""
    env: list[str] | None = None
    working_dir: str = ""
    cmd: list[str] | None = None


class ExecStartOptions(Wire, rename="pascal"):
    """How an exec is to be started."""

    detach: bool = False
    tty: bool = False
    console_size: tuple[Unsigned, Unsigned] | None = None


class ExecCreateResponse(Wire, rename="pascal"):
    """The new exec."""

    id: str


class ExecProcessConfig(Wire):
    """The process of an exec."""

    tty: bool
    entrypoint: str
    arguments: list[str]
    privileged: bool
    user: str

    omit_empty: ClassVar[frozenset[str]] = frozenset({"user"})


class ExecInspect(Wire, rename="pascal"):
    """An exec as it is now; `exit_code` is null until it has ended, `detach_keys` base64."""

    id: str = msgspec.field(name="ID")
    running: bool
    exit_code: int | None
    process_config: ExecProcessConfig
    open_stdin: bool
    open_stderr: bool
    open_stdout: bool
    can_remove: bool
    container_id: str = msgspec.field(name="ContainerID")
    detach_keys: str
    pid: int
