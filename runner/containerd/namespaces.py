"""containerd.services.namespaces.v1: the tenants of one containerd."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.containerd._connection import Service
from runner.containerd._pb.services.namespaces.v1 import namespace_pb2 as pb
from runner.containerd._pb.services.namespaces.v1.namespace_pb2_grpc import NamespacesStub

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.containerd._connection import Connection

_NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace. Its labels can set defaults, such as `containerd.io/defaults/snapshotter`."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Namespaces:
    """All namespaces, whichever the client speaks in. containerd makes one on its first use."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, NamespacesStub)

    async def get(self, name: str) -> Namespace:
        """With its labels. containerd answers for any name; one that is not there has no labels."""
        request = pb.GetNamespaceRequest(name=name)
        reply: pb.GetNamespaceResponse = await self._service.unary("Get", request)
        return namespace_from(reply.namespace)

    async def create(self, name: str, labels: Mapping[str, str] = _NO_LABELS) -> None:
        """Raises AlreadyExists, InvalidParameter for a bad name."""
        request = pb.CreateNamespaceRequest(namespace=pb.Namespace(name=name, labels=labels))
        await self._service.unary("Create", request)

    async def delete(self, name: str) -> None:
        """Raises FailedPrecondition unless it is empty, NotFound."""
        await self._service.unary("Delete", pb.DeleteNamespaceRequest(name=name))

    async def list(self) -> list[Namespace]:
        """All of them."""
        request = pb.ListNamespacesRequest()
        reply: pb.ListNamespacesResponse = await self._service.unary("List", request)
        return [namespace_from(namespace) for namespace in reply.namespaces]


def namespace_from(message: pb.Namespace) -> Namespace:
    """From the service's message."""
    return Namespace(message.name, dict(message.labels))
