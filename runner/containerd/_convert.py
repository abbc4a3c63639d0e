"""Shared values to and from their messages."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from google.protobuf.any_pb2 import Any as AnyMessage

from runner.containerd._pb.types import descriptor_pb2, mount_pb2
from runner.containerd.values import ZERO_TIME, Encoded, Mount
from runner.types.image import Descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

SPEC = "types.containerd.io/opencontainers/runtime-spec/1/Spec"
PROCESS = "types.containerd.io/opencontainers/runtime-spec/1/Process"
LINUX_RESOURCES = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources"
"""The OCI runtime spec's documents, in JSON (containerd client/client.go, init)."""


def time_from(message: Timestamp) -> datetime:
    """In UTC, cut to microseconds; ZERO_TIME when unset."""
    if not message.seconds and not message.nanos:
        return ZERO_TIME
    return message.ToDatetime(tzinfo=UTC)


def any_to(encoded: Encoded) -> AnyMessage:
    """As google.protobuf.Any."""
    return AnyMessage(type_url=encoded.type_url, value=encoded.value)


def any_from(message: AnyMessage) -> Encoded:
    """From google.protobuf.Any."""
    return Encoded(message.type_url, message.value)


def any_of(message: Message) -> AnyMessage:
    """Any, with the bare name as type URL: containerd's typeurl knows no `type.googleapis.com/`."""
    return AnyMessage(type_url=message.DESCRIPTOR.full_name, value=message.SerializeToString())


def message_name(type_url: str) -> str:
    """The message that a type URL names, whether it has a host before it or not."""
    return type_url.rpartition("/")[2]


def mount_to(mount: Mount) -> mount_pb2.Mount:
    """As containerd.types.Mount."""
    return mount_pb2.Mount(
        type=mount.type, source=mount.source, target=mount.target, options=mount.options
    )


def mounts_from(messages: Iterable[mount_pb2.Mount]) -> list[Mount]:
    """From a list of containerd.types.Mount."""
    return [Mount(m.type, m.source, m.target, tuple(m.options)) for m in messages]


def descriptor_to(descriptor: Descriptor) -> descriptor_pb2.Descriptor:
    """As containerd.types.Descriptor, which has neither platform nor URLs."""
    return descriptor_pb2.Descriptor(
        media_type=descriptor.media_type,
        digest=descriptor.digest,
        size=descriptor.size,
        annotations=descriptor.annotations,
    )


def descriptor_from(message: descriptor_pb2.Descriptor) -> Descriptor:
    """From containerd.types.Descriptor."""
    return Descriptor(
        media_type=message.media_type,
        digest=message.digest,
        size=message.size,
        annotations=dict(sorted(message.annotations.items())),
    )
