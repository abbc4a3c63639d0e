"""containerd.services.leases.v1: what keeps garbage collection off work in progress."""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.containerd._connection import Service
from runner.containerd._convert import time_from
from runner.containerd._pb.services.leases.v1 import leases_pb2 as pb
from runner.containerd._pb.services.leases.v1.leases_pb2_grpc import LeasesStub
from runner.containerd._shield import finish
from runner.containerd.values import ZERO_TIME
from runner.types.errors import NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner.containerd._connection import Connection

EXPIRE = "containerd.io/gc.expire"
"""The label with the time, in RFC 3339, from which the collector deletes the lease itself."""

DEFAULT_EXPIRATION = timedelta(hours=24)

_NO_LABELS: Mapping[str, str] = {}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease, which holds the resources made or added under it."""

    id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = ZERO_TIME


@dataclass(frozen=True, slots=True)
class Resource:
    """`type` is `content` (by digest), `ingests` (by reference) or `snapshots/<snapshotter>`."""

    type: str
    id: str


class Leases:
    """The leases of the client's namespace."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._service = Service(connection, LeasesStub)
        self._held: set[str] = set()

    @contextlib.asynccontextmanager
    async def hold(
        self,
        *,
        expires_in: timedelta = DEFAULT_EXPIRATION,
        kept_after: tuple[type[BaseException], ...] = (),
        labels: Mapping[str, str] = _NO_LABELS,
    ) -> AsyncIterator[Lease]:
        """Hold everything that calls made inside create, also those of tasks started inside.

        The lease is deleted at the end, after a cancellation too. Where containerd cannot be
        reached then, it is left to its expiry, `expires_in` from now; so it is when the block ends
        with one of the errors of `kept_after`, for what it holds to be found by another attempt.
        """
        lease_id = _random_id()
        self._held.add(lease_id)  # before anybody can see it
        try:
            lease = await self.create(lease_id, labels, expires_in=expires_in)
            async with self._ending(lease, kept_after):
                yield lease
        finally:
            self._held.discard(lease_id)

    @contextlib.asynccontextmanager
    async def _ending(
        self, lease: Lease, kept_after: tuple[type[BaseException], ...]
    ) -> AsyncIterator[None]:
        kept = False
        try:
            with self._connection.under_lease(lease.id):
                yield
        except kept_after:
            kept = True
            raise
        finally:
            if not kept:
                await finish(self._let_go(lease))

    def is_held(self, lease_id: str) -> bool:
        """Whether a `hold` of this object is under way with the lease."""
        return lease_id in self._held

    async def _let_go(self, lease: Lease) -> None:
        try:
            await self.delete(lease.id)
        except NotFound:
            pass
        except RunnerError as error:
            _log.warning("lease %s is left to its expiry: %s", lease.id, error)

    async def create(
        self,
        lease_id: str | None = None,
        labels: Mapping[str, str] = _NO_LABELS,
        *,
        expires_in: timedelta | None = None,
    ) -> Lease:
        """Make a lease, with a random ID where none is given, for ever without `expires_in`.

        Raises AlreadyExists.
        """
        expiry = {} if expires_in is None else {EXPIRE: _rfc3339(datetime.now(UTC) + expires_in)}
        request = pb.CreateRequest(id=lease_id or _random_id(), labels={**labels, **expiry})
        reply: pb.CreateResponse = await self._service.unary("Create", request)
        return lease_from(reply.lease)

    async def delete(self, lease_id: str, *, sync: bool = False) -> None:
        """End a lease; with `sync` wait until what it alone held is collected.

        Raises NotFound.
        """
        await self._service.unary("Delete", pb.DeleteRequest(id=lease_id, sync=sync))

    async def add_resource(self, lease_id: str, resource: Resource) -> None:
        """Have the lease hold something that exists already. Raises NotFound without the lease."""
        request = pb.AddResourceRequest(id=lease_id, resource=_resource_to(resource))
        await self._service.unary("AddResource", request)

    async def delete_resource(self, lease_id: str, resource: Resource) -> None:
        """Have the lease hold it no longer. Raises NotFound without the lease."""
        request = pb.DeleteResourceRequest(id=lease_id, resource=_resource_to(resource))
        await self._service.unary("DeleteResource", request)

    async def list_resources(self, lease_id: str) -> list[Resource]:
        """What the lease holds. Raises NotFound."""
        request = pb.ListResourcesRequest(id=lease_id)
        reply: pb.ListResourcesResponse = await self._service.unary("ListResources", request)
        return [Resource(resource.type, resource.id) for resource in reply.resources]

    async def list(self, *filters: str) -> list[Lease]:
        """Those that any of the filters matches, all without filters."""
        reply: pb.ListResponse = await self._service.unary("List", pb.ListRequest(filters=filters))
        return [lease_from(lease) for lease in reply.leases]


def _random_id() -> str:
    return secrets.token_hex(16)


def lease_from(message: pb.Lease) -> Lease:
    """From the service's message."""
    return Lease(message.id, dict(message.labels), time_from(message.created_at))


def _resource_to(resource: Resource) -> pb.Resource:
    return pb.Resource(type=resource.type, id=resource.id)


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
