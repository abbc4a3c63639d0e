"""containerd.services.images.v1: names for content, and roots of garbage collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf.field_mask_pb2 import FieldMask

from runner.containerd._connection import Service
from runner.containerd._convert import descriptor_from, descriptor_to, time_from
from runner.containerd._pb.services.images.v1 import images_pb2 as pb
from runner.containerd._pb.services.images.v1.images_pb2_grpc import ImagesStub
from runner.containerd.values import ZERO_TIME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from runner.containerd._connection import Connection
    from runner.types.image import Descriptor


@dataclass(frozen=True, slots=True)
class Image:
    """A name, as a rule a full reference, and the index or manifest that it stands for."""

    name: str
    target: Descriptor
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = ZERO_TIME
    updated_at: datetime = ZERO_TIME


class Images:
    """The images of the client's namespace."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, ImagesStub)

    async def get(self, name: str) -> Image:
        """Raises NotFound."""
        reply: pb.GetImageResponse = await self._service.unary("Get", pb.GetImageRequest(name=name))
        return image_from(reply.image)

    async def create(self, image: Image) -> Image:
        """Raises AlreadyExists for a name that is taken, InvalidParameter for a bad target."""
        request = pb.CreateImageRequest(image=image_to(image))
        reply: pb.CreateImageResponse = await self._service.unary("Create", request)
        return image_from(reply.image)

    async def update(self, image: Image, *fields: str) -> Image:
        """Replace the fields named (`target`, `labels`, `labels.<key>`), or both without names.

        Raises NotFound.
        """
        request = pb.UpdateImageRequest(image=image_to(image), update_mask=FieldMask(paths=fields))
        reply: pb.UpdateImageResponse = await self._service.unary("Update", request)
        return image_from(reply.image)

    async def delete(self, name: str, *, sync: bool = False) -> None:
        """Delete the name; with `sync` wait until what it alone held is collected too.

        Raises NotFound.
        """
        await self._service.unary("Delete", pb.DeleteImageRequest(name=name, sync=sync))

    async def list(self, *filters: str) -> list[Image]:
        """Those that any of the filters matches, all without filters."""
        request = pb.ListImagesRequest(filters=filters)
        reply: pb.ListImagesResponse = await self._service.unary("List", request)
        return [image_from(image) for image in reply.images]


def image_to(image: Image) -> pb.Image:
    """As the service's message."""
    return pb.Image(name=image.name, labels=image.labels, target=descriptor_to(image.target))


def image_from(message: pb.Image) -> Image:
    """From the service's message."""
    return Image(
        name=message.name,
        target=descriptor_from(message.target),
        labels=dict(message.labels),
        created_at=time_from(message.created_at),
        updated_at=time_from(message.updated_at),
    )
