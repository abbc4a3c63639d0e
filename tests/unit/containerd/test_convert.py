"""Messages to values and back, without a containerd."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from runner.containerd import _convert, containers, events, snapshots, tasks
from runner.containerd._pb.events import task_pb2
from runner.containerd._pb.services.tasks.v1 import tasks_pb2
from runner.containerd._pb.types import descriptor_pb2
from runner.containerd.runc import OPTIONS, RuncOptions
from runner.containerd.values import ZERO_TIME, Encoded, Mount
from runner.types.image import Descriptor, Platform

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
STAMP = Timestamp(seconds=int(MOMENT.timestamp()), nanos=678901234)


def test_times_are_aware_and_cut_to_microseconds() -> None:
    assert _convert.time_from(STAMP) == MOMENT


@pytest.mark.parametrize("stamp", [Timestamp(), Timestamp(seconds=-62135596800)])
def test_unset_and_gos_zero_time_are_one(stamp: Timestamp) -> None:
    assert _convert.time_from(stamp) == ZERO_TIME


def test_a_type_url_is_the_bare_name() -> None:
    message = RuncOptions().encode()
    assert message.type_url == OPTIONS == "containerd.runc.v1.Options"


@pytest.mark.parametrize("prefix", ["", "type.googleapis.com/"])
def test_a_message_is_known_with_and_without_a_host(prefix: str) -> None:
    assert _convert.message_name(f"{prefix}containerd.runc.v1.Options") == OPTIONS


def test_the_specs_type_urls() -> None:
    prefix = "types.containerd.io/opencontainers/runtime-spec/1/"
    assert [
        f"{prefix}Spec",
        f"{prefix}Process",
        f"{prefix}LinuxResources",
    ] == [_convert.SPEC, _convert.PROCESS, _convert.LINUX_RESOURCES]


def test_mounts_come_back_as_they_went() -> None:
    mount = Mount("overlay", "overlay", "/etc", ("lowerdir=/a:/b", "ro"))
    assert _convert.mounts_from([_convert.mount_to(mount)]) == [mount]


def test_a_descriptor_keeps_what_containerd_has() -> None:
    descriptor = Descriptor("a/b", "sha256:0", 3, annotations={"c": "d"})
    rich = Descriptor(
        "a/b",
        "sha256:0",
        3,
        urls=["u"],
        annotations={"c": "d"},
        platform=Platform("amd64", "linux"),
    )
    assert _convert.descriptor_from(_convert.descriptor_to(rich)) == descriptor
    assert _convert.descriptor_from(descriptor_pb2.Descriptor()) == Descriptor("", "", 0)


def test_runc_options_come_back_as_they_went() -> None:
    options = RuncOptions("crun", "/run/crun", True, 1, 2, True, True, "/shim", "/image", "/work")
    assert RuncOptions.decode(options.encode().value) == options
    assert len(set(dataclasses.astuple(options))) > 5


@pytest.mark.parametrize(
    "runtime",
    [
        containers.Runtime("io.containerd.runc.v2"),
        containers.Runtime("io.containerd.runc.v2", RuncOptions(systemd_cgroup=True)),
        containers.Runtime("io.containerd.kata.v2", Encoded("kata.Options", b"x")),
    ],
)
def test_a_container_comes_back_as_it_went(runtime: containers.Runtime) -> None:
    container = containers.Container(
        "id",
        runtime,
        b"{}",
        image="image",
        labels={"a": "b"},
        snapshotter="overlayfs",
        snapshot_key="key",
        sandbox_id="sandbox",
        extensions={"e": Encoded("x/y", b"z")},
    )
    message = containers.container_to(container)
    assert message.spec.type_url == _convert.SPEC
    assert containers.container_from(message) == container


@pytest.mark.parametrize("number", range(6))
def test_every_task_status_has_its_name(number: int) -> None:
    names = ["unknown", "created", "running", "stopped", "paused", "pausing"]
    assert tasks.status_from(number) == names[number]


def test_numbers_of_a_newer_containerd_are_unknown() -> None:
    assert tasks.status_from(99) is tasks.Status.UNKNOWN
    assert snapshots.kind_from(99) is snapshots.Kind.UNKNOWN


def test_a_process_that_exec_added() -> None:
    message = tasks_pb2.GetResponse(process={"id": "exec", "pid": 7, "status": 2}).process
    process = tasks.process_from(message, "box")
    assert (process.container_id, process.exec_id, process.pid) == ("box", "exec", 7)
    assert tasks.process_from(message, "exec").exec_id == ""


EVENTS = [
    (
        task_pb2.TaskExit(container_id="c", id="e", pid=1, exit_status=2, exited_at=STAMP),
        events.TaskExit("c", "e", 1, 2, MOMENT),
    ),
    (
        task_pb2.TaskDelete(container_id="c", id="e", pid=1, exit_status=2, exited_at=STAMP),
        events.TaskDelete("c", "e", 1, 2, MOMENT),
    ),
    (task_pb2.TaskOOM(container_id="c"), events.TaskOOM("c")),
    (
        task_pb2.TaskCheckpointed(container_id="c", checkpoint="/p"),
        events.TaskCheckpointed("c", "/p"),
    ),
]


@pytest.mark.parametrize(("message", "event"), EVENTS)
def test_events(message: task_pb2.TaskExit, event: events.Event) -> None:
    encoded = Encoded(message.DESCRIPTOR.full_name, message.SerializeToString())
    assert events.event_from(encoded) == event


def test_every_event_has_fields_of_its_message() -> None:
    for message, event in events._EVENTS:
        assert message.DESCRIPTOR.name == event.__name__
        names = {field.name for field in dataclasses.fields(event)}
        assert names <= {field.name for field in message.DESCRIPTOR.fields}


def test_an_unknown_event_stays_encoded() -> None:
    encoded = Encoded("containerd.events.Nonsense", b"x")
    assert events.event_from(encoded) is encoded
