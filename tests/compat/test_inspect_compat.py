"""What inspect, ps and events tell: the same documents as dockerd's, but for what is listed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.compat.compare import accidents_in, differences
from tests.support.subject import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

BRIDGE = {"NetworkSettings.Bridge": "each engine has its own bridge"}
RUNS = {"State.Pid": "differs by nature"}


def created(subject: Subject, *arguments: str) -> None:
    done = subject.docker("create", "--name=box", *arguments)
    assert done.returncode == 0, done.stderr


def running(subject: Subject, *arguments: str) -> None:
    done = subject.docker("run", "--detach", "--name=box", *arguments)
    assert done.returncode == 0, done.stderr


def exited(subject: Subject, *arguments: str) -> None:
    subject.docker("run", "--name=box", *arguments)
    assert eventually(lambda: not subject.run_traces() or not subject.is_ours)


MUCH = """
    -it -e A=b -l c=d -u 1000:7 -w /w -h h --domainname d -p 80:80 -p 127.0.0.1:1:53/udp --expose 9
    -v /data -v vol:/vol:ro -v /tmp:/host --tmpfs /t:size=1m --cap-add NET_ADMIN --cap-drop MKNOD
    -m 32m --cpus 0.5 --cpu-shares 7 --pids-limit 9 --ulimit nofile=1:2 --restart on-failure:3
    --sysctl net.ipv4.ip_forward=1 --security-opt no-new-privileges --stop-signal INT
    --stop-timeout 3 --add-host a:1.2.3.4 --dns 1.1.1.1 --dns-search x --read-only --shm-size 1m
    --device /dev/null --group-add 7 --oom-score-adj 5 --entrypoint /bin/sh --log-opt max-size=1m
    --annotation x=y busybox -c true
"""
SLEEP = ["busybox", "sleep", "1000"]

Case = tuple["Callable[..., None]", list[str], dict[str, str]]
CASES: dict[str, Case] = {
    "created": (created, ["busybox", "sh", "-c", "true"], {}),
    "created with much": (created, MUCH.split(), {}),
    "created without a network": (created, ["--network=none", "busybox"], {}),
    "created on the host's network": (created, ["--network=host", "--pid=host", "busybox"], {}),
    "created privileged": (
        created,
        ["--privileged", "--ipc=host", "--uts=host", "busybox"],
        {},
    ),
    "running": (running, SLEEP, {**RUNS, **BRIDGE}),
    "running with ports": (
        running,
        ["-p", "127.0.0.1:31337:80", "--expose=9", *SLEEP],
        {**RUNS, **BRIDGE},
    ),
    "running without a network": (
        running,
        ["--network=none", *SLEEP],
        RUNS,
    ),
    "running on the host's network": (
        running,
        ["--network=host", *SLEEP],
        RUNS,
    ),
    "exited": (exited, ["busybox", "sh", "-c", "exit 3"], BRIDGE),
    "failed": (exited, ["busybox", "nonexist"], {}),
    "mounts": (
        exited,
        ["-v=vol:/vol", "-v=/anonymous", "-v=/tmp:/t:ro", "busybox"],
        BRIDGE,
    ),
}


ANONYMOUS = {"Mounts[].Source": "dockerd's list does not know where anonymous volumes lie"}


def inspected(subject: Subject) -> Any:
    document = subject.inspect()
    document["HostConfig"]["Binds"] = sorted(document["HostConfig"]["Binds"] or [])  # by the CLI
    document["Mounts"] = mounts(document)
    return accidents_in(document)


def summary(subject: Subject) -> Any:
    (document,) = subject.api("GET", "/containers/json?all=1").json()
    document["Mounts"] = mounts(document)
    document["Ports"].sort(key=lambda port: port["PrivatePort"])
    del document["Created"]
    return accidents_in(document)


def mounts(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The mounts in order, volumes' sources without the engine's directory."""
    found = sorted(document["Mounts"], key=lambda mount: str(mount["Destination"]))
    return [{**each, "Source": each["Source"].rpartition("/volumes/")[2]} for each in found]


@pytest.mark.parametrize(("make", "arguments", "intended"), CASES.values(), ids=CASES)
def test_inspect(
    ours: Subject,
    dockerd: Subject,
    make: Callable[..., None],
    arguments: list[str],
    intended: dict[str, str],
) -> None:
    documents, summaries = [], []
    for subject in (ours, dockerd):  # in turn: they may want the same port
        make(subject, *arguments)
        documents.append(inspected(subject))
        summaries.append(summary(subject))
        subject.remove_everything()
    assert differences(*documents, intended) == []
    volumes = any(argument.startswith("-v") for argument in arguments)
    assert differences(*summaries, ANONYMOUS if volumes else {}) == []


def test_events(ours: Subject, dockerd: Subject) -> None:
    """Not only their order, which other tests know, but the whole documents."""
    documents = []
    for subject in (ours, dockerd):
        began = time.time_ns()
        subject.docker("run", "--rm", "--name=box", "-l", "a=b", "-v", "new:/v", "busybox", "false")
        query = f"/events?since={began / 1e9:.9f}&until={time.time():.9f}"
        events = [json.loads(line) for line in subject.api("GET", query).body.splitlines()]
        for event in events:
            assert began <= event.pop("timeNano")
            assert began // 10**9 <= event.pop("time")
            event["Actor"]["Attributes"].pop("execDuration", None)
        documents.append(accidents_in(events))
    assert kinds(documents[0]) == kinds(documents[1])
    assert differences(*documents, {}) == []


def kinds(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["Type"], event["Action"]) for event in events]
