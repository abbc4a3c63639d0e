"""The OCI runtime spec of the next run: what the engine knows, handed to `runner.oci`
(moby daemon/oci_linux.go createSpec)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import msgspec

from runner import trace
from runner.engine import links, mounts, networking, rootfs
from runner.engine.references import joinable
from runner.oci.create import create_spec as create_oci_spec
from runner.oci.request import NamespacePaths, SpecRequest, UserMount
from runner.types.errors import RunnerError, System
from runner.types.modes import IpcMode, NetworkMode, PidMode

if TYPE_CHECKING:
    from pathlib import Path

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.oci.spec import Spec
    from runner.volume import Prepared, PreparedMount


def create_spec(engine: Engine, container: Container, prepared: Prepared) -> Spec:
    """The spec, from settings and what has been made for the run.

    Whatever is wrong is a System error: the request to start was fine (moby says why at length).
    """
    with trace.step("daemon.createSpec", container=container.id) as step:
        try:
            root = rootfs.path(engine, container.id)
            namespaces = _namespaces(engine, container)
            request = _request(engine, container, prepared, root, namespaces)
            made = create_oci_spec(request, engine.host)
        except RunnerError as err:
            raise System(err.message) from err
        if step is not None:
            step.note(oci_spec=msgspec.to_builtins(made))
        return made


def bundle_request(
    engine: Engine, container: Container, prepared: Prepared, root: Path
) -> SpecRequest:
    """What a bundle that is run elsewhere is made from: every namespace is new."""
    return _request(engine, container, prepared, root, NamespacePaths())


def _request(
    engine: Engine,
    container: Container,
    prepared: Prepared,
    root: Path,
    namespaces: NamespacePaths,
) -> SpecRequest:
    record = container.record
    return SpecRequest(
        id=container.id,
        config=record.config,
        host_config=record.host_config,
        path=record.path,
        args=record.args,
        rootfs=root,
        mounts=[_user_mount(mount) for mount in prepared.mounts],
        network_files=networking.files_of(engine, container),
        namespaces=namespaces,
        linked_env=links.environment(engine, container),
        shm_path=mounts.shm_source(engine, container),
        init_path=str(engine.config.init_path or ""),
        cgroup_parent=engine.config.cgroup_parent,
    )


def _user_mount(prepared: PreparedMount) -> UserMount:
    """A mount that `runner.volume` has prepared, as `runner.oci` takes it."""
    names = [field.name for field in dataclasses.fields(UserMount)]
    return UserMount(**{name: getattr(prepared, name) for name in names})


def _namespaces(engine: Engine, container: Container) -> NamespacePaths:
    """The namespaces that exist already: our sandbox's, or another container's."""
    host_config = container.host_config
    return NamespacePaths(
        network=_network_namespace(engine, container),
        ipc=_joined(engine, IpcMode(host_config.ipc_mode).container, "ipc"),
        pid=_joined(engine, PidMode(host_config.pid_mode).container, "pid"),
    )


def _network_namespace(engine: Engine, container: Container) -> str:
    joined = NetworkMode(container.host_config.network_mode).container
    if joined:
        return _joined(engine, joined, "net")
    return networking.sandbox_path(engine, container)


def _joined(engine: Engine, reference: str, kind: str) -> str:
    if not reference:
        return ""
    what = {
        "net": "joining network namespace of container",
        "pid": "failed to join PID namespace",
        "ipc": "failed to join IPC namespace",
    }[kind]
    return f"/proc/{joinable(engine, reference, what).state.pid}/ns/{kind}"
