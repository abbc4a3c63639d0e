"""containerd.services.containers.v1: container records, the metadata that tasks are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from runner.containerd._connection import Service
from runner.containerd._convert import SPEC, any_from, any_to, message_name, time_from
from runner.containerd._pb.services.containers.v1 import containers_pb2 as pb
from runner.containerd._pb.services.containers.v1.containers_pb2_grpc import ContainersStub
from runner.containerd.runc import OPTIONS, RuncOptions
from runner.containerd.values import ZERO_TIME, Encoded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from google.protobuf.any_pb2 import Any

    from runner.containerd._connection import Connection


@dataclass(frozen=True, slots=True)
class Runtime:
    """The shim by name, and its options: runc's, or those of another shim in its own encoding."""

    name: str
    options: RuncOptions | Encoded | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """A container record. `spec` is the OCI runtime spec in JSON.

    A record keeps the snapshot that it names from garbage collection. `sandbox_id` needs
    containerd 1.7; 1.6 drops it.
    """

    id: str
    runtime: Runtime
    spec: bytes
    image: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    snapshotter: str = ""
    snapshot_key: str = ""
    sandbox_id: str = ""
    extensions: Mapping[str, Encoded] = field(default_factory=dict)
    created_at: datetime = ZERO_TIME
    updated_at: datetime = ZERO_TIME


class Containers:
    """The containers of the client's namespace."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, ContainersStub)

    async def get(self, container_id: str) -> Container:
        """Raises NotFound."""
        reply: pb.GetContainerResponse = await self._service.unary(
            "Get", pb.GetContainerRequest(id=container_id)
        )
        return container_from(reply.container)

    async def create(self, container: Container) -> Container:
        """Raises AlreadyExists for a known ID, InvalidParameter for one that containerd rejects."""
        reply: pb.CreateContainerResponse = await self._service.unary(
            "Create", pb.CreateContainerRequest(container=container_to(container))
        )
        return container_from(reply.container)

    async def update(self, container: Container, *fields: str) -> Container:
        """Replace the fields named (`labels`, `labels.<key>`, `spec`, …), or all that may change.

        Raises:
            NotFound: no container has this ID.
            InvalidParameter: a field is unknown or may not change.
        """
        request = pb.UpdateContainerRequest(
            container=container_to(container), update_mask=FieldMask(paths=fields)
        )
        reply: pb.UpdateContainerResponse = await self._service.unary("Update", request)
        return container_from(reply.container)

    async def delete(self, container_id: str) -> None:
        """Delete the record only: a task that still runs is out of reach from then on.

        Raises NotFound.
        """
        await self._service.unary("Delete", pb.DeleteContainerRequest(id=container_id))

    async def list(self, *filters: str) -> list[Container]:
        """Those that any of the filters matches, all without filters.

        Streamed: specs are tens of kilobytes, and a single reply has a limit.
        """
        replies = self._service.stream("ListStream", pb.ListContainersRequest(filters=filters))
        return [container_from(reply.container) async for reply in replies]


def container_to(container: Container) -> pb.Container:
    """As the service's message."""
    return pb.Container(
        id=container.id,
        labels=container.labels,
        image=container.image,
        runtime=_runtime_to(container.runtime),
        spec=any_to(Encoded(SPEC, container.spec)),
        snapshotter=container.snapshotter,
        snapshot_key=container.snapshot_key,
        extensions={name: any_to(value) for name, value in container.extensions.items()},
        sandbox=container.sandbox_id,
    )


def container_from(message: pb.Container) -> Container:
    """From the service's message."""
    return Container(
        id=message.id,
        runtime=_runtime_from(message.runtime),
        spec=message.spec.value,
        image=message.image,
        labels=dict(message.labels),
        snapshotter=message.snapshotter,
        snapshot_key=message.snapshot_key,
        sandbox_id=message.sandbox,
        extensions={name: any_from(value) for name, value in message.extensions.items()},
        created_at=time_from(message.created_at),
        updated_at=time_from(message.updated_at),
    )


def _runtime_to(runtime: Runtime) -> pb.Container.Runtime:
    return pb.Container.Runtime(name=runtime.name, options=_options_to(runtime.options))


def _options_to(options: RuncOptions | Encoded | None) -> Any | None:
    match options:
        case None:
            return None
        case RuncOptions():
            return options.encode()
        case Encoded():
            return any_to(options)


def _runtime_from(message: pb.Container.Runtime) -> Runtime:
    if not message.HasField("options"):
        return Runtime(message.name)
    if message_name(message.options.type_url) == OPTIONS:
        return Runtime(message.name, RuncOptions.decode(message.options.value))
    return Runtime(message.name, any_from(message.options))
