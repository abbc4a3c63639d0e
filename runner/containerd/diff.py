"""containerd.services.diff.v1: layers to filesystems and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.containerd._connection import Service
from runner.containerd._convert import descriptor_from, descriptor_to, mount_to
from runner.containerd._pb.services.diff.v1 import diff_pb2 as pb
from runner.containerd._pb.services.diff.v1.diff_pb2_grpc import DiffStub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.containerd._connection import Connection
    from runner.containerd.values import Mount
    from runner.types.image import Descriptor

_NO_LABELS: Mapping[str, str] = {}


class Diff:
    """containerd's differ, which unpacks and makes layers beside the content store."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, DiffStub)

    async def apply(self, layer: Descriptor, mounts: Sequence[Mount]) -> Descriptor:
        """Unpack a layer blob into mounts; returns the uncompressed tar's descriptor (diff ID).

        Raises:
            NotFound: the blob is not in the content store.
            NotImplementedYet: no differ takes the layer's media type.
        """
        request = pb.ApplyRequest(
            diff=descriptor_to(layer), mounts=[mount_to(mount) for mount in mounts]
        )
        reply: pb.ApplyResponse = await self._service.unary("Apply", request)
        return descriptor_from(reply.applied)

    async def diff(
        self,
        lower: Sequence[Mount],
        upper: Sequence[Mount],
        *,
        media_type: str,
        ref: str = "",
        labels: Mapping[str, str] = _NO_LABELS,
    ) -> Descriptor:
        """Write what changed from `lower` to `upper` as a layer blob, and return its descriptor.

        The blob's label `containerd.io/uncompressed` has the diff ID of a compressed one.
        """
        request = pb.DiffRequest(
            left=[mount_to(mount) for mount in lower],
            right=[mount_to(mount) for mount in upper],
            media_type=media_type,
            ref=ref,
            labels=labels,
        )
        reply: pb.DiffResponse = await self._service.unary("Diff", request)
        return descriptor_from(reply.diff)
