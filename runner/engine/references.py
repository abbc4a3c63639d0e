"""Containers that settings refer to: `container:NAME` modes (moby verifies and rewrites them)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError, System
from runner.types.modes import IpcMode, NetworkMode, PidMode

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.types.container import HostConfig


def fix_container_references(engine: Engine, host_config: HostConfig) -> None:
    """Rewrite `container:NAME` to `container:ID`, so that a later rename does not change what was
    meant (moby adaptSharedNamespaceContainer).

    Raises InvalidParameter when the container whose IPC or PID namespace is to be joined does not
    exist: moby asks for its SELinux label here (generateSecurityOpt). Never NotFound, which would
    make the client pull the image. An unknown network's container may exist by the time of start.
    """
    if name := NetworkMode(host_config.network_mode).container:
        with contextlib.suppress(RunnerError):
            host_config.network_mode = f"container:{_id_of(engine, name)}"
    try:
        if name := IpcMode(host_config.ipc_mode).container:
            host_config.ipc_mode = f"container:{_id_of(engine, name)}"
        if name := PidMode(host_config.pid_mode).container:
            host_config.pid_mode = f"container:{_id_of(engine, name)}"
    except NotFound as err:
        raise InvalidParameter(err.message) from err


def _id_of(engine: Engine, name: str) -> str:
    return engine.containers.get(name).id


def joinable(engine: Engine, reference: str, what: str) -> Container:
    """A running container whose namespaces can be joined (moby getIPCContainer and siblings).

    Raises System for an unknown one, Conflict when it does not run or restarts; `what` is said
    before the reason.
    """
    try:
        container = engine.containers.get(reference)
    except NotFound as err:
        raise System(f"{what}: {err}") from err
    try:
        container.check_running()
        container.check_not_restarting()
    except Conflict as err:
        raise err.wrap(what) from err
    return container
