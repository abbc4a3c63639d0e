"""Many who look at once: asked of containerd once for all, and not at all when nobody looks."""

from __future__ import annotations

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.http import UnixConnection
from tests.support.subject import eventually

if TYPE_CHECKING:
    from tests.support.engine import Engine

pytestmark = pytest.mark.root

METRICS: Final = 'runner_containerd_request_seconds_count{method="Tasks.Metrics"}'


def asked(engine: Engine) -> float:
    """How often containerd was asked for the figures of a task."""
    return engine.metrics().get(METRICS, 0)


def frames(engine: Engine, count: int) -> list[dict[str, Any]]:
    """The first frames of a stream of stats."""
    with contextlib.closing(UnixConnection(engine.socket, timeout=60)) as connection:
        connection.request("GET", "/containers/box/stats")
        answer = connection.getresponse()
        return [json.loads(answer.readline()) for _ in range(count)]


def test_fifty_streams_of_stats(busybox: Engine) -> None:
    busybox.docker("run", "--detach", "--name=box", "busybox", "sleep", "1000")
    before, began = asked(busybox), time.monotonic()
    with ThreadPoolExecutor(50) as threads:
        streams = list(threads.map(lambda _: frames(busybox, 3), range(50)))
    took = time.monotonic() - began
    for stream in streams:
        read = [frame["read"] for frame in stream]
        assert [frame["preread"] for frame in stream[1:]] == read[:-1]
    assert 3 <= asked(busybox) - before <= took + 2
    assert eventually(lambda: is_left_alone(busybox))


def is_left_alone(engine: Engine) -> bool:
    """Whether containerd is asked for no figures during more than a second."""
    before = asked(engine)
    time.sleep(1.5)
    return asked(engine) == before


def test_who_does_not_read_holds_nobody_up(busybox: Engine) -> None:
    busybox.docker("run", "--detach", "--name=box", "busybox", "sleep", "1000")
    with contextlib.ExitStack() as deaf:
        for target in ("/containers/box/stats", "/events"):
            connection = UnixConnection(busybox.socket, timeout=60)
            deaf.callback(connection.close)
            connection.request("GET", target)
        assert len(frames(busybox, 2)) == 2
        assert busybox.docker("rename", "box", "other").returncode == 0
    assert eventually(lambda: is_left_alone(busybox))
    assert busybox.metrics()["engine_daemon_events_subscribers_total"] == 0
