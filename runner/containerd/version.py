"""containerd.services.version.v1: which containerd answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from runner.containerd._connection import Service
from runner.containerd._pb.services.version.v1.version_pb2_grpc import VersionStub

if TYPE_CHECKING:
    from runner.containerd._connection import Connection
    from runner.containerd._pb.services.version.v1 import version_pb2 as pb


@dataclass(frozen=True, slots=True)
class Version:
    """A release (`1.7.24`, `v2.1.9`, `1.6.20~ds1`: distributions add their own) and its commit."""

    version: str
    revision: str


class VersionService:
    """The version; answered as soon as containerd serves, and never cached."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, VersionStub)

    async def version(self, *, timeout: float | None = None) -> Version:
        """Raises DeadlineExceeded after `timeout` seconds."""
        reply: pb.VersionResponse = await self._service.unary("Version", Empty(), timeout=timeout)
        return Version(reply.version, reply.revision)
