"""containerd.services.events.v1: what happens in containerd, as it happens."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp

from runner.containerd._connection import Service
from runner.containerd._convert import any_from, message_name, time_from
from runner.containerd._pb.events import container_pb2, image_pb2, task_pb2
from runner.containerd._pb.services.events.v1 import events_pb2 as pb
from runner.containerd._pb.services.events.v1.events_pb2_grpc import EventsStub

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime

    from google.protobuf.message import Message

    from runner.containerd._connection import Connection
    from runner.containerd._pb.types import event_pb2
    from runner.containerd.values import Encoded


@dataclass(frozen=True, slots=True)
class TaskCreate:
    """A task was created, on the bundle directory given."""

    container_id: str
    bundle: str
    checkpoint: str
    pid: int


@dataclass(frozen=True, slots=True)
class TaskStart:
    """A task's first process was started."""

    container_id: str
    pid: int


@dataclass(frozen=True, slots=True)
class TaskExit:
    """A process ended: `id` is the container's for the first one, otherwise the exec's."""

    container_id: str
    id: str
    pid: int
    exit_status: int
    exited_at: datetime


@dataclass(frozen=True, slots=True)
class TaskDelete:
    """A task was deleted, or the process `id` that exec had added."""

    container_id: str
    id: str
    pid: int
    exit_status: int
    exited_at: datetime


@dataclass(frozen=True, slots=True)
class TaskOOM:
    """The kernel killed a process for want of memory in the container's cgroup."""

    container_id: str


@dataclass(frozen=True, slots=True)
class TaskExecAdded:
    """A process was added to a task."""

    container_id: str
    exec_id: str


@dataclass(frozen=True, slots=True)
class TaskExecStarted:
    """A process that exec added was started."""

    container_id: str
    exec_id: str
    pid: int


@dataclass(frozen=True, slots=True)
class TaskPaused:
    """A task was frozen."""

    container_id: str


@dataclass(frozen=True, slots=True)
class TaskResumed:
    """A task was thawed."""

    container_id: str


@dataclass(frozen=True, slots=True)
class TaskCheckpointed:
    """A task was checkpointed into the directory given."""

    container_id: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class ContainerCreate:
    """A container record was created."""

    id: str
    image: str


@dataclass(frozen=True, slots=True)
class ContainerUpdate:
    """A container record was changed."""

    id: str
    image: str
    snapshot_key: str


@dataclass(frozen=True, slots=True)
class ContainerDelete:
    """A container record was deleted."""

    id: str


@dataclass(frozen=True, slots=True)
class ImageCreate:
    """A name was given to content."""

    name: str


@dataclass(frozen=True, slots=True)
class ImageUpdate:
    """A name was given to other content, or its labels changed."""

    name: str


@dataclass(frozen=True, slots=True)
class ImageDelete:
    """A name was taken away."""

    name: str


Event = (
    TaskCreate
    | TaskStart
    | TaskExit
    | TaskDelete
    | TaskOOM
    | TaskExecAdded
    | TaskExecStarted
    | TaskPaused
    | TaskResumed
    | TaskCheckpointed
    | ContainerCreate
    | ContainerUpdate
    | ContainerDelete
    | ImageCreate
    | ImageUpdate
    | ImageDelete
)

_EVENTS: tuple[tuple[type[Message], type[Event]], ...] = (
    (task_pb2.TaskCreate, TaskCreate),
    (task_pb2.TaskStart, TaskStart),
    (task_pb2.TaskExit, TaskExit),
    (task_pb2.TaskDelete, TaskDelete),
    (task_pb2.TaskOOM, TaskOOM),
    (task_pb2.TaskExecAdded, TaskExecAdded),
    (task_pb2.TaskExecStarted, TaskExecStarted),
    (task_pb2.TaskPaused, TaskPaused),
    (task_pb2.TaskResumed, TaskResumed),
    (task_pb2.TaskCheckpointed, TaskCheckpointed),
    (container_pb2.ContainerCreate, ContainerCreate),
    (container_pb2.ContainerUpdate, ContainerUpdate),
    (container_pb2.ContainerDelete, ContainerDelete),
    (image_pb2.ImageCreate, ImageCreate),
    (image_pb2.ImageUpdate, ImageUpdate),
    (image_pb2.ImageDelete, ImageDelete),
)
_BY_NAME = {message.DESCRIPTOR.full_name: (message, event) for message, event in _EVENTS}


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event with its time and place; one of a kind unknown here stays encoded."""

    timestamp: datetime
    namespace: str
    topic: str
    event: Event | Encoded


class Events:
    """The events of all namespaces; a filter chooses among them."""

    def __init__(self, connection: Connection) -> None:
        self._service = Service(connection, EventsStub)

    def subscribe(self, *filters: str) -> AsyncGenerator[Envelope, None]:
        """Events from now on that any of the filters matches; all without filters.

        The call is made at once, not at the first iteration. containerd acknowledges none, so what
        happens in the first moments may be missed, as everything is while no stream is open: list
        the tasks after subscribing. `namespace==x,topic~=|^/tasks/|` is one filter, both must hold.

        Raises:
            Unavailable: containerd went away.
        """
        replies = self._service.stream("Subscribe", pb.SubscribeRequest(filters=filters))
        return (envelope_from(reply) async for reply in replies)


def envelope_from(message: event_pb2.Envelope) -> Envelope:
    """From containerd.types.Envelope."""
    return Envelope(
        timestamp=time_from(message.timestamp),
        namespace=message.namespace,
        topic=message.topic,
        event=event_from(any_from(message.event)),
    )


def event_from(encoded: Encoded) -> Event | Encoded:
    """The event with its fields; what is not in this module comes back as it is."""
    known = _BY_NAME.get(message_name(encoded.type_url))
    if known is None:
        return encoded
    message_type, event_type = known
    message = message_type.FromString(encoded.value)
    values = (_value_from(getattr(message, field.name)) for field in fields(event_type))
    return event_type(*values)


def _value_from(value: Any) -> Any:
    return time_from(value) if isinstance(value, Timestamp) else value
