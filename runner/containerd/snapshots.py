"""containerd.services.snapshots.v1: filesystems as stacks of layers, in one snapshotter."""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from runner.containerd._connection import Service
from runner.containerd._convert import mounts_from, time_from
from runner.containerd._pb.services.snapshots.v1 import snapshots_pb2 as pb
from runner.containerd._pb.services.snapshots.v1.snapshots_pb2_grpc import SnapshotsStub
from runner.containerd._shield import finish
from runner.containerd.values import ZERO_TIME
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping
    from datetime import datetime

    from runner.containerd._connection import Connection
    from runner.containerd.values import Mount

_NO_LABELS: Mapping[str, str] = {}
_log = logging.getLogger(__name__)


class Kind(StrEnum):
    """Read-only and mounted; writable; finished, to be built upon but not mounted."""

    UNKNOWN = "unknown"
    VIEW = "view"
    ACTIVE = "active"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Info:
    """A snapshot. `parent` is a committed one's name, or empty for the lowest layer."""

    name: str
    parent: str = ""
    kind: Kind = Kind.UNKNOWN
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = ZERO_TIME
    updated_at: datetime = ZERO_TIME


@dataclass(frozen=True, slots=True)
class Usage:
    """What a snapshot itself takes, without its parents; `size` in bytes."""

    inodes: int
    size: int


class Snapshots:
    """One snapshotter's snapshots in the client's namespace.

    A key or name has one snapshot: a second is AlreadyExists. What no lease, container or
    `containerd.io/gc.root` label holds is taken by the next garbage collection.
    """

    def __init__(self, connection: Connection, snapshotter: str) -> None:
        self._service = Service(connection, SnapshotsStub)
        self.snapshotter = snapshotter

    async def prepare(
        self, key: str, parent: str = "", labels: Mapping[str, str] = _NO_LABELS
    ) -> list[Mount]:
        """Make a writable snapshot on top of a committed one; returns how to mount it."""
        request = pb.PrepareSnapshotRequest(
            snapshotter=self.snapshotter, key=key, parent=parent, labels=labels
        )
        reply: pb.PrepareSnapshotResponse = await self._service.unary("Prepare", request)
        return mounts_from(reply.mounts)

    async def view(
        self, key: str, parent: str = "", labels: Mapping[str, str] = _NO_LABELS
    ) -> list[Mount]:
        """Make a read-only snapshot of a committed one; returns how to mount it."""
        request = pb.ViewSnapshotRequest(
            snapshotter=self.snapshotter, key=key, parent=parent, labels=labels
        )
        reply: pb.ViewSnapshotResponse = await self._service.unary("View", request)
        return mounts_from(reply.mounts)

    @contextlib.asynccontextmanager
    async def parent_view(self, key: str) -> AsyncIterator[list[Mount]]:
        """How to mount what a snapshot stands upon, for looking. To be called under a lease."""
        name = f"{key}-parent-view-{secrets.token_hex(8)}"
        mounts = await self.view(name, (await self.stat(key)).parent)
        try:
            yield mounts
        finally:
            await finish(self._let_go(name))

    async def _let_go(self, name: str) -> None:
        try:
            await self.remove(name)
        except RunnerError as error:
            _log.warning("snapshot %s is left to its lease: %s", name, error)

    async def mounts(self, key: str) -> list[Mount]:
        """How to mount an active snapshot or a view. Raises NotFound."""
        request = pb.MountsRequest(snapshotter=self.snapshotter, key=key)
        reply: pb.MountsResponse = await self._service.unary("Mounts", request)
        return mounts_from(reply.mounts)

    async def commit(self, name: str, key: str, labels: Mapping[str, str] = _NO_LABELS) -> None:
        """Finish an active snapshot under a name, its chain ID for an image's layer.

        Raises:
            AlreadyExists: the name is taken; the active snapshot stays.
            NotFound: no active snapshot has this key.
        """
        request = pb.CommitSnapshotRequest(
            snapshotter=self.snapshotter, name=name, key=key, labels=labels
        )
        await self._service.unary("Commit", request)

    async def remove(self, key: str) -> None:
        """Raises FailedPrecondition while snapshots stand on it, NotFound."""
        request = pb.RemoveSnapshotRequest(snapshotter=self.snapshotter, key=key)
        await self._service.unary("Remove", request)

    async def stat(self, key: str) -> Info:
        """Raises NotFound."""
        request = pb.StatSnapshotRequest(snapshotter=self.snapshotter, key=key)
        reply: pb.StatSnapshotResponse = await self._service.unary("Stat", request)
        return info_from(reply.info)

    async def usage(self, key: str) -> Usage:
        """For an active snapshot counted at this moment, which takes as long as a du(1)."""
        request = pb.UsageRequest(snapshotter=self.snapshotter, key=key)
        reply: pb.UsageResponse = await self._service.unary("Usage", request)
        return Usage(inodes=reply.inodes, size=reply.size)

    async def update(self, info: Info, *fields: str) -> Info:
        """Replace the fields named, `labels` or `labels.<key>`; all labels without names."""
        request = pb.UpdateSnapshotRequest(
            snapshotter=self.snapshotter,
            info=pb.Info(name=info.name, labels=info.labels),
            update_mask=FieldMask(paths=fields),
        )
        reply: pb.UpdateSnapshotResponse = await self._service.unary("Update", request)
        return info_from(reply.info)

    async def list(self, *filters: str) -> AsyncGenerator[Info, None]:
        """Those that any of the filters matches, all without filters."""
        request = pb.ListSnapshotsRequest(snapshotter=self.snapshotter, filters=filters)
        async for reply in self._service.stream("List", request):
            for info in reply.info:
                yield info_from(info)


def info_from(message: pb.Info) -> Info:
    """From the service's message."""
    return Info(
        name=message.name,
        parent=message.parent,
        kind=kind_from(message.kind),
        labels=dict(message.labels),
        created_at=time_from(message.created_at),
        updated_at=time_from(message.updated_at),
    )


def kind_from(kind: pb.Kind) -> Kind:
    """From the service's enum. A number of a newer containerd is UNKNOWN."""
    return Kind[pb.Kind.Name(kind)] if kind in pb.Kind.values() else Kind.UNKNOWN
