"""The containerd container of one of ours, and its runtime (moby libcontainerd NewContainer)."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import msgspec

from runner.containerd.containers import Container as ContainerdContainer
from runner.containerd.containers import Runtime
from runner.containerd.runc import RUNTIME, RuncOptions
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.oci.spec import Spec

_SHIM_NAME = re.compile(r"[a-z0-9]+(\.[a-z0-9-]+)+\.v[0-9]+")


def resolve(name: str) -> Runtime:
    """The shim for a runtime's name: `runc`, another OCI runtime's binary, or a shim by its name.

    Raises InvalidParameter for a runtime that is not installed (moby runtimes.Get).
    """
    if _SHIM_NAME.fullmatch(name):
        return Runtime(name)
    if name == "runc":
        return Runtime(RUNTIME, RuncOptions())
    # the path, since the shim looks on containerd's PATH, which need not be ours
    if "/" not in name and (binary := shutil.which(name)):
        return Runtime(RUNTIME, RuncOptions(binary_name=binary))
    raise InvalidParameter(f"unknown or invalid runtime name: {name}")


def binary(name: str) -> str:
    """The OCI runtime behind a runtime's name; runc where a shim chooses it by itself."""
    options = resolve(name).options
    return (isinstance(options, RuncOptions) and options.binary_name) or "runc"


def describe(engine: Engine, container: Container, spec: Spec) -> ContainerdContainer:
    """The containerd container for the next start."""
    record = container.record
    return ContainerdContainer(
        id=container.id,
        runtime=resolve(record.host_config.runtime or engine.config.default_runtime),
        spec=msgspec.json.encode(spec),
        image=record.image_name,
        snapshotter=record.driver,
        snapshot_key=container.id,
    )
