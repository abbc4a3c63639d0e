"""Containers that settings refer to: `container:NAME` modes (moby verifies and rewrites them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import Conflict, NotFound, RunnerError, System
from runner.types.modes import IpcMode, NetworkMode, PidMode

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.types.container import HostConfig


def fix_container_references(engine: Engine, host_config: HostConfig) -> None:
    """Rewrite `container:NAME` to `container:ID` where NAME is known (moby fixContainerRefs).

    A later rename does not change what was meant. Raises NotFound for an unknown name.
    """
    if name := NetworkMode(host_config.network_mode).container:
        host_config.network_mode = f"container:{_id_of(engine, name)}"
    if name := IpcMode(host_config.ipc_mode).container:
        host_config.ipc_mode = f"container:{_id_of(engine, name)}"
    if name := PidMode(host_config.pid_mode).container:
        host_config.pid_mode = f"container:{_id_of(engine, name)}"


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
    problem: RunnerError | None = None
    if not container.state.running:
        problem = Conflict(f"container {container.id} is not running")
    elif container.state.restarting:
        problem = Conflict(
            f"Container {container.id} is restarting, wait until the container is running"
        )
    if problem is not None:
        raise problem.wrap(what)
    return container
