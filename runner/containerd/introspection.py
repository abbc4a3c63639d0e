"""containerd.services.introspection.v1: what this containerd is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from runner.containerd._connection import Service
from runner.containerd._pb.services.introspection.v1 import introspection_pb2 as pb
from runner.containerd._pb.services.introspection.v1.introspection_pb2_grpc import (
    IntrospectionStub,
)
from runner.types.image import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.containerd._connection import Connection


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin. `init_error` says why it is not there, and is empty when it is."""

    type: str
    id: str
    platforms: tuple[Platform, ...]
    exports: Mapping[str, str]
    capabilities: tuple[str, ...]
    init_error: str


@dataclass(frozen=True, slots=True)
class Server:
    """The daemon. containerd 1.6 tells the UUID only; `deprecations` are its warnings' texts."""

    uuid: str
    pid: int
    deprecations: tuple[str, ...]


class Introspection:
    """containerd about itself."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, IntrospectionStub)

    async def plugins(self, *filters: str) -> list[Plugin]:
        """Those that any of the filters matches (`type==io.containerd.snapshotter.v1`), or all."""
        request = pb.PluginsRequest(filters=filters)
        reply: pb.PluginsResponse = await self._service.unary("Plugins", request)
        return [plugin_from(plugin) for plugin in reply.plugins]

    async def server(self) -> Server:
        """The daemon that answers."""
        reply: pb.ServerResponse = await self._service.unary("Server", Empty())
        deprecations = tuple(warning.message for warning in reply.deprecations)
        return Server(reply.uuid, reply.pid, deprecations)


def plugin_from(message: pb.Plugin) -> Plugin:
    """From the service's message."""
    return Plugin(
        type=message.type,
        id=message.id,
        platforms=tuple(
            Platform(architecture=p.architecture, os=p.os, variant=p.variant)
            for p in message.platforms
        ),
        exports=dict(message.exports),
        capabilities=tuple(message.capabilities),
        init_error=message.init_err.message,
    )
