"""Looking and keeping house: stats, top, update, prune, df, ps, events, info as with dockerd."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import pytest

from tests.compat.compare import Outcome, accidents_in, differences, run, without_accidents
from tests.support.subject import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

T = TypeVar("T")

Commands = list["str | tuple[str, str]"]
BOX = "run -d --name box busybox sleep 1000"

COMMANDS: dict[str, Commands] = {
    "stats of one that does not run": [
        "create --name box busybox true",
        "stats --no-stream box",
        "stats --no-stream --format '{{json .}}' box",
    ],
    "stats of one that runs": [
        BOX,
        "stats --no-stream --format '{{.Name}} {{.CPUPerc}} {{.PIDs}} {{.BlockIO}}' box",
        "stats --no-stream --format '{{.Name}} {{.PIDs}}'",
        "stats --no-stream nosuch",
        "stats --no-stream -f label=x",
    ],
    "stats with limits": [
        "run -d --name box -m 32m --pids-limit 7 busybox sleep 1000",
        "stats --no-stream --format '{{.PIDs}}' box",
    ],
    "top": [
        "run -d --name box busybox sh -c 'sleep 1000 & wait'",
        "top box -o pid=PID,comm",
        "top box -o pid,comm,nlwp",
        "top box -eo pid,args",
        "top box axo pid,args",
        "top box -o comm",
        "top box -o x=PID",
        "top box -o pid=PID,x= PIDS",
        "top box --nonsense",
        "top box -Z -V",
        "top box -q1",
        "top nosuch",
        "top nosuch -o x=PID",
        "stop -t 0 box",
        "top box",
    ],
    "update": [
        "run -d --name box -m 32m --cpu-shares 100 busybox sleep 1000",
        "update --memory 40m --memory-swap 60m box",
        "update --memory 100m box",
        "update --memory 1m box",
        "update --memory-swap 10m box",
        "update --memory 40m --memory-swap 20m box",
        "update --memory-reservation 1m box",
        "update --memory-reservation 16m box",
        "update --cpu-shares 200 --pids-limit 17 box",
        "update --cpu-shares 500000 box",
        "update --cpu-period 50000 --cpu-quota 25000 box",
        "update --cpus 0.5 box",
        "update --cpus 99 box",
        "update --cpu-period 5 box",
        "update --cpuset-cpus 0 box",
        "update --cpuset-cpus 99 box",
        "update --cpuset-mems x box",
        "update --blkio-weight 300 box",
        "update --restart on-failure:3 box",
        "update --restart always:3 box",
        "update --restart nonsense box",
        "update --pids-limit -1 box",
        "update --kernel-memory 1m box",
        "update box",
        "update",
        "update --memory 20m nosuch box",
        "inspect -f '{{json .HostConfig}}' box",
    ],
    "update of one that is removed at its end": [
        "run -d --rm --cpus 0.5 --name box busybox sleep 1000",
        "update --restart always box",
        "update --restart no box",
        "update --cpu-quota 20000 box",
        "update --cpus 0.6 box",
        "inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.RestartPolicy.Name}}' box",
    ],
    "update of one that does not run": [
        "create --name box busybox true",
        "update --memory 20m box",
        "update --memory 20m --memory-swap -1 --cpus 0.5 --restart unless-stopped box",
        "inspect -f '{{json .HostConfig}}' box",
    ],
    "prune": [
        BOX,
        "create --name plain busybox true",
        "create --name red -l colour=red busybox true",
        "create --name blue -l colour=blue -l tone busybox true",
        "container prune -f --filter nonsense=1",
        "container prune -f --filter until=1h",
        "container prune -f --filter until=2006-01-02T15:04:05",
        "container prune -f --filter until=2006-13-02",
        "container prune -f --filter until=tomorrow",
        "container prune -f --filter until=1 --filter until=2",
        "container prune -f --filter label=nosuch",
        "container prune -f --filter label=colour=red",
        "ps -a --format '{{.Names}}'",
        "container prune -f --filter label!=tone",
        "ps -a --format '{{.Names}}'",
        "container prune -f --filter until=0s",
        "container prune -f",
        "ps -a --format '{{.Names}}'",
    ],
    "ps": [
        BOX,
        "run --name done busybox sh -c 'exit 3'",
        "ps -l --format '{{.Names}}'",
        "ps -n 1 -q",
        "ps -n -5 --format '{{.Names}}'",
        "ps -a -f exited=3 --format '{{.Names}} {{.Status}}'",
        "ps -f exited=3 --format '{{.Names}}'",
        "ps -a -f health=none --format '{{.Names}}'",
        "ps -a -f health=ill",
        "ps -a -f publish=1:2",
        "ps -a -f label!=x",
        "ps -a -f is-task=maybe",
        "ps -a -f volume=/data -f network=bridge",
        "ps --no-trunc -a --format '{{.Names}} {{.Command}}'",
    ],
    "df": [
        "run --name box -v data:/data busybox sh -c 'echo 12345 >/data/x'",
        "system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'",
        "system df -v --format '{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}{{end}}'",
        "system df --nonsense",
    ],
    "events of the past": [
        "create --name eventful busybox true",
        "rm eventful",
        "events --since 1h --until -1s -f container=eventful --format '{{.Action}} {{.Actor.ID}}'",
        "events --since 2007-01-02 --until 2006-01-02",
        "events --since nonsense --until 0s",
        "events --since 2006-13-02 --until 0s",
        "events --since 1 --until 2",
        "events --since 1 --until 1.5 --format '{{json .}}'",
    ],
}


def both(ours: Subject, dockerd: Subject, do: Callable[[Subject], T]) -> list[T]:
    """The same with both, beside each other: clients mostly wait."""
    with ThreadPoolExecutor() as threads:
        return list(threads.map(do, (ours, dockerd)))


@pytest.mark.parametrize("commands", COMMANDS.values(), ids=COMMANDS)
def test_command_lines(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    for mine, theirs in zip(*both(ours, dockerd, lambda each: run(each, commands)), strict=True):
        assert _without_processes(mine) == _without_processes(theirs)


def _without_processes(outcome: Outcome) -> Outcome:
    """What top and errors of runc say of the host: PIDs, and the engine's own cgroup."""
    stdout = re.sub(r"^\d+", "PID", outcome.stdout, flags=re.MULTILINE)
    stderr = re.sub(r"/rt-\w+/", "/PARENT/", outcome.stderr)
    return dataclasses.replace(outcome, stdout=stdout, stderr=stderr)


# --- stats -------------------------------------------------------------------------------------


def shape(document: Any) -> Any:
    """The document without its figures."""
    match document:
        case dict():
            return {key: shape(value) for key, value in document.items()}
        case list():
            return [shape(value) for value in document]
        case int():
            return 0
        case str():
            return without_accidents(document)
        case _:
            return document


HOSTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "limited": {"Memory": 32 << 20, "PidsLimit": 9, "NanoCpus": 500_000_000},
    "without a network": {"NetworkMode": "none"},
    "on the host's network": {"NetworkMode": "host"},
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_stats(ours: Subject, dockerd: Subject, host: dict[str, Any]) -> None:

    def frames(subject: Subject) -> list[Any]:
        subject.create("sh", "-c", "echo x; sleep 1000", host=host)
        subject.start()
        answers = [
            subject.api("GET", f"/containers/box/stats?{query}")
            for query in ("stream=0", "stream=false&one-shot=1")
        ]
        assert [answer.status for answer in answers] == [200, 200]
        documents = [answer.json() for answer in answers]
        assert documents[1]["preread"] == "0001-01-01T00:00:00Z"
        return [*map(shape, documents), documents[0]["memory_stats"]["limit"]]

    assert differences(*both(ours, dockerd, frames), {}) == []


def test_stats_of_what_does_not_run(ours: Subject, dockerd: Subject) -> None:
    found = []
    for subject in (ours, dockerd):
        subject.create("true")
        answers = [
            subject.api("GET", f"/containers/{name}/stats?{query}")
            for name in ("box", "nosuch")
            for query in ("stream=0", "stream=0&one-shot=1", "stream=1&one-shot=1")
        ]
        found.append([(answer.status, shape(answer.json())) for answer in answers])
    assert found[0] == found[1]


def test_stats_are_streamed_and_end_with_the_container(subject: Subject) -> None:
    subject.create("sleep", "1000")
    subject.start()
    with contextlib.closing(subject.connection()) as connection:
        connection.request("GET", "/v1.51/containers/box/stats")
        answer = connection.getresponse()
        frames = [json.loads(answer.readline()) for _ in range(2)]
        subject.docker("rm", "-f", "box")
        rest = [json.loads(line) for line in answer.read().splitlines()]
    assert frames[0]["precpu_stats"].get("system_cpu_usage") is None
    assert frames[1]["precpu_stats"] == frames[0]["cpu_stats"]
    assert frames[1]["preread"] == frames[0]["read"]
    assert len(rest) < 3


def test_a_busy_container_has_a_processor(subject: Subject) -> None:
    subject.create("sh", "-c", "while :; do :; done")
    subject.start()
    done = subject.docker("stats", "--no-stream", "--format", "{{.CPUPerc}}", "box")
    # of one processor, which it shares with whatever else runs on this machine
    assert 2 < float(done.stdout.strip().rstrip("%")) < 130


# --- ps ----------------------------------------------------------------------------------------


def filters(**chosen: list[str]) -> str:
    return f"filters={quote(json.dumps(chosen))}"


def all_of(**chosen: list[str]) -> str:
    return f"all=1&{filters(**chosen)}"


LISTS = [
    *("", "all=1", "limit=2", "limit=-1", "limit=x", "all=false", "all=1&limit=3"),
    *("all=1&since=one", "all=1&before=nosuch", "filters=x", "filters=[]", "filters=null"),
    *(
        all_of(name=names)
        for names in (["one"], ["^o"], ["^/o"], ["e$"], ["ONE"], ["("], ["one", "two"], [""], [])
    ),
    *(all_of(id=ids) for ids in (["{one}"], ["{one}", "{two}"], ["{one:12}"], ["x"], [""])),
    all_of(id=["{one}"], name=["two"]),
    *(all_of(label=labels) for labels in (["a"], ["a=b"], ["a="], ["a", "c"], ["a!=b"], ["z"])),
    all_of(**{"label!": ["a"]}),
    *(
        all_of(status=states)
        for states in (["running"], ["exited", "created"], ["dead"], ["Running"], [""])
    ),
    *(all_of(exited=codes) for codes in (["0"], ["3", "0"], ["x"], ["-1"], ["+3"], ["9" * 20])),
    filters(status=["exited"]),
    filters(exited=["3"]),
    filters(before=["five"]),
    *(
        all_of(**{way: [value]})
        for way in ("before", "since")
        for value in ("three", "/three", "{three}", "{three:12}", "nosuch", "")
    ),
    all_of(since=["one"], before=["five"]),
    all_of(before=["three"], name=["one"]),
    all_of(before=["one"], name=["t"]),
    all_of(since=["three"]) + "&limit=1",
    *(
        all_of(ancestor=images)
        for images in (["busybox"], ["busybox:latest"], ["nosuch"], [], ["busybox", "nosuch"])
    ),
    *(all_of(volume=values) for values in (["vol"], ["/data"], ["/tmp"], ["/host"], ["z"], [])),
    *(all_of(network=values) for values in (["bridge"], ["none"], ["bri"], [""], [])),
    *(
        all_of(publish=ports)
        for ports in (
            ["31337"],
            ["31337/tcp"],
            ["31337/udp"],
            ["31000-32000"],
            ["80"],
            ["x"],
            ["1:2"],
            ["99999"],
            ["80/x"],
            ["3-"],
            ["0"],
            ["31337/"],
        )
    ),
    *(all_of(expose=ports) for ports in (["80"], ["90"], ["50-90"], ["x"], ["90/udp"])),
    all_of(expose=["1"], publish=["31337"]),
    *(all_of(health=values) for values in (["none"], ["healthy"], ["ill"])),
    *(all_of(**{"is-task": values}) for values in (["true"], ["false"], ["x"], [])),
    all_of(isolation=["x"]),
    all_of(colour=["red"]),
    all_of(exited=["x"], status=["y"]),
    all_of(status=["y"], before=["z"]),
]

INHABITANTS = """\
run -d --name one -l a=b -l c busybox sleep 1000
run --name two -l a=x busybox sh -c 'exit 3'
create --name three -v vol:/data -v /tmp:/host busybox true
run -d --name four -p ADDRESS:31337:80 --expose 90 busybox sleep 1000
run -d --name five --network none busybox sleep 1000
"""


def inhabit(subject: Subject) -> dict[str, str]:
    """Five containers; their IDs by name."""
    address = "127.0.0.7" if subject.is_ours else "127.0.0.8"  # both have the port at once
    run(subject, list(INHABITANTS.replace("ADDRESS", address).splitlines()))
    listed = subject.api("GET", "/containers/json?all=1").json()
    found = {each["Names"][0][1:]: each["Id"] for each in listed}
    assert len(found) == 5
    return found


def listed(subject: Subject, query: str, ids: dict[str, str]) -> tuple[int, Any]:
    for name, identity in ids.items():
        for braces, value in (
            (f"{{{name}}}", identity),
            (f"{{{name}:12}}", identity[:12]),
        ):
            query = query.replace(quote(braces), value)
    answer = subject.api("GET", f"/containers/json?{query}")
    if answer.status != 200:
        return answer.status, without_accidents(answer.message)
    return answer.status, [each["Names"] for each in answer.json()]


def test_lists(ours: Subject, dockerd: Subject) -> None:
    ids = {subject: inhabit(subject) for subject in (ours, dockerd)}
    different = []
    for query in LISTS:
        mine, theirs = (listed(subject, query, ids[subject]) for subject in (ours, dockerd))
        if mine != theirs:
            different.append((query, mine, theirs))
    assert different == []
    assert len(LISTS) > 100


@pytest.mark.parametrize("version", ["1.24", "1.41", "1.44", "1.45", "1.47", "1.48"])
def test_older_clients(ours: Subject, dockerd: Subject, version: str) -> None:
    """What lists and inspect tell clients of other API versions."""
    found = []
    for subject in (ours, dockerd):
        subject.create("true", Labels={"a": "b"}, host={"Annotations": {"c": "d"}})
        answers = [
            subject.daemon.api("GET", f"/v{version}{target}").json()
            for target in ("/containers/json?all=1", "/containers/box/json", "/images/json")
        ]
        answers[0][0].pop("Created")
        found.append(accidents_in(answers))
    assert differences(found[0], found[1], {}) == []


# --- update, prune, df --------------------------------------------------------------------------

UPDATES: list[tuple[str, Any]] = [
    ("box", {}),
    ("nosuch", {}),
    ("nosuch", {"Memory": 1}),
    ("box", {"Memory": 20 << 20}),
    ("box", {"Memory": 20 << 20, "MemorySwap": -1}),
    ("box", {"MemorySwap": 30 << 20}),
    ("box", {"PidsLimit": -3}),
    ("box", {"PidsLimit": 0}),
    ("box", {"RestartPolicy": {"Name": ""}}),
    ("box", {"RestartPolicy": {"Name": "x"}}),
    ("box", {"OomKillDisable": True}),
    ("box", {"MemorySwappiness": 300}),
    ("box", {"CpuShares": -1}),
    ("box", {"CpuPercent": 5}),
    ("box", {"CpuRealtimePeriod": 1000}),
    ("box", {"Devices": [{"PathOnHost": "/x"}], "Ulimits": [{"Name": "x"}]}),
    ("box", {"DeviceRequests": [{"Count": 1}]}),
    ("box", {"Privileged": True, "Binds": ["a"]}),
    ("box", {"NanoCpus": 1, "CpuPeriod": 20000}),
]


def test_updates(ours: Subject, dockerd: Subject) -> None:
    found = []
    for subject in (ours, dockerd):
        subject.create("sleep", "1000")
        subject.start()
        answers = []
        for name, wanted in UPDATES:
            answer = subject.api("POST", f"/containers/{name}/update", wanted)
            answers.append((wanted, answer.status, accidents_in(answer.json())))
        found.append([*answers, subject.inspect()["HostConfig"]])
    for mine, theirs in zip(*found, strict=True):
        assert mine == theirs


def test_what_a_prune_gives_back(ours: Subject, dockerd: Subject) -> None:
    reports = []
    for subject in (ours, dockerd):
        identity = subject.create("sh", "-c", "head -c 1000000 /dev/zero >/large")
        subject.start()
        subject.wait()
        began = time.time_ns()
        report = subject.api("POST", "/containers/prune").json()
        assert report["ContainersDeleted"] == [identity]
        assert 1_000_000 <= report["SpaceReclaimed"] < 1_100_000
        assert f"container prune reclaimed={report['SpaceReclaimed']}" in subject.events(began)
        reports.append(subject.api("POST", "/containers/prune").json())
    assert reports[0] == reports[1] == {"ContainersDeleted": None, "SpaceReclaimed": 0}


EVERYTHING: list[tuple[str, str]] = [
    ("1.51", ""),
    ("1.41", "?type=image"),
    ("1.43", "?type=image"),
    ("1.51", "?type=volume&type=build-cache"),
    ("1.51", "?type=nonsense"),
    ("1.51", "?type="),
]


@pytest.mark.parametrize(("version", "query"), EVERYTHING)
def test_disk_usage(ours: Subject, dockerd: Subject, version: str, query: str) -> None:
    found = []
    for subject in (ours, dockerd):
        subject.docker("run", "--name=box", "-v=df:/v", "busybox", "sh", "-c", "echo 1234 >/v/x")
        assert eventually(lambda of=subject: of.state()["Status"] == "exited")
        answer = subject.daemon.api("GET", f"/v{version}/system/df{query}").json()
        if answer.get("Volumes") is not None:  # of other tests there may be more
            answer["Volumes"] = [each for each in answer["Volumes"] if each["Name"] == "df"]
        for volume in answer.get("Volumes") or ():
            volume["Mountpoint"] = volume["Mountpoint"].rpartition("/volumes/")[2]
        for container in answer.get("Containers") or ():
            container.pop("Created")
            for mount in container["Mounts"]:
                mount["Source"] = mount["Source"].rpartition("/volumes/")[2]
        found.append(accidents_in(answer))
    assert differences(found[0], found[1], {}) == []


# --- events ------------------------------------------------------------------------------------


def policy_restart(subject: Subject) -> None:
    subject.docker("run", "-d", "--name=box", "--restart=on-failure:2", "busybox", "false")
    assert eventually(lambda: subject.state()["Status"] == "exited")


def failed_start(subject: Subject) -> None:
    subject.docker("run", "--name=box", "-v=/v", "busybox", "nosuch")


def port_taken(subject: Subject) -> None:
    address = "127.0.0.7" if subject.is_ours else "127.0.0.8"
    for name in ("one", "two"):
        subject.docker("run", "-d", f"--name={name}", f"-p={address}:31337:80", *SLEEP)


def out_of_memory(subject: Subject) -> None:
    grow = "a=x; while true; do a=$a$a; done"
    subject.docker("run", "--name=box", "-m=10m", "busybox", "sh", "-c", grow)


SLEEP = ("busybox", "sleep", "1000")
DEAF = "run -d --name box busybox sh -c 'trap : TERM; while :; do sleep 0.1; done'"

VERBS: dict[str, list[str] | Callable[[Subject], None]] = {
    "run": ["run --name box -v VOLUME:/v busybox true"],
    "run --rm": ["run --rm --name box -v /v busybox true"],
    "run -d": ["run -d --name box -v VOLUME:/v busybox sleep 1000"],
    "without a network": ["run --network none busybox true"],
    "on another's network": [BOX, "run --name other --network container:box busybox true"],
    "stop": [BOX, "stop -t 5 -s KILL box", "stop box"],
    "stop by force": [DEAF, "stop -t 1 box"],
    "kill": [BOX, "kill box", "kill box"],
    "kill with another signal": [BOX, "kill -s HUP box", "kill -s URG box"],
    "rm": ["create --name box -v /w busybox true", "rm box"],
    "rm -v": ["create --name box -v /w busybox true", "rm -v box"],
    "rm -f": [BOX, "rm -f box"],
    "restart": ["run -d --name box -v VOLUME:/v busybox sleep 1000", "restart -t 0 box"],
    "restart of one that does not run": ["create --name box busybox sleep 9", "restart box"],
    "rename": ["create --name box busybox true", "rename box other", "rename other other"],
    "update and top": [BOX, "update --pids-limit 9 box", "top box", "top box -o x=PID"],
    "update that fails": [BOX, "update --cpu-shares 500000 box", "update --memory 1m box"],
    "prune": ["create --name box busybox true", "container prune -f"],
    "failed start": failed_start,
    "port taken": port_taken,
    "policy restart": policy_restart,
    "out of memory": out_of_memory,
}


def events_of(subject: Subject, verb: list[str] | Callable[[Subject], None]) -> list[str]:
    began, volume = time.time_ns(), f"v{secrets.token_hex(8)}"
    if isinstance(verb, list):
        run(subject, [line.replace("VOLUME", volume) for line in verb])
    else:
        verb(subject)
    lines = settled(lambda: subject.events(began))
    return _in_one_order([_comparable(line) for line in lines])


def settled(look: Callable[[], list[str]]) -> list[str]:
    """What is there once nothing is added any more: the last events come after the answer."""
    before: list[str] = []
    for _ in range(20):
        now = look()
        if now and now == before:
            break
        before = now
        time.sleep(0.3)
    return before


def _comparable(line: str) -> str:
    line = re.sub(r"reclaimed=\d+", "reclaimed=N", line)
    line = re.sub(r"127\.0\.0\.[78]", "ADDRESS", line)
    return without_accidents(line)


def _in_one_order(lines: list[str]) -> list[str]:
    """dockerd tells of the stop as soon as it knows the exit, mostly before it tells of that."""
    for at in range(len(lines) - 1):
        if lines[at].startswith("container stop") and lines[at + 1].startswith("container die"):
            lines[at : at + 2] = lines[at + 1], lines[at]
    return lines


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_events_of_a_verb(
    ours: Subject, dockerd: Subject, verb: list[str] | Callable[[Subject], None]
) -> None:
    mine, theirs = both(ours, dockerd, lambda subject: events_of(subject, verb))
    assert mine == theirs


SPANS = [
    *("since=0&until=1", "until=0", "since=10m", "since=5.x&until=1", "since=5&until=1"),
    *("since=5.&until=9", "until=2026-01-01", "since=1&until=1", "until=99999999999999999999"),
]
CHOICES: list[dict[str, list[str]]] = [
    {},
    {"event": ["create", "die"]},
    {"event": ["crea"]},
    {"event": ["exec_start", "sta"]},
    {"type": ["network"]},
    {"type": ["container", "volume"]},
    {"container": ["box"]},
    {"container": ["bo"]},
    {"container": ["ox"]},
    {"container": ["bri"]},
    {"network": ["bridge"]},
    {"network": ["bri"]},
    {"volume": ["vol"]},
    {"image": ["busybox"]},
    {"image": ["busybox:latest"]},
    {"image": ["busy"]},
    {"label": ["a"]},
    {"label": ["a=b", "c"]},
    {"label": ["a=x"]},
    {"scope": ["local"]},
    {"scope": ["swarm"]},
    {"daemon": ["x"]},
    {"plugin": ["x"]},
    {"nonsense": ["x"]},
    {"type": []},
    {"event": ["die"], "type": ["network"]},
]


def test_which_events_pass(ours: Subject, dockerd: Subject) -> None:
    found: dict[Subject, list[Any]] = {ours: [], dockerd: []}
    for subject, answers in found.items():
        began = time.time()
        volume = f"-v=vol{secrets.token_hex(8)}:/v"
        subject.docker("run", "--name=box", volume, "-l=a=b", "-l=c", "busybox", "true")
        assert settled(lambda since=int(began * 1e9), of=subject: of.events(since))
        span = f"since={began:.9f}&until={time.time():.9f}"
        for chosen in CHOICES:
            query = f"{span}&filters={quote(json.dumps(chosen))}"
            lines = subject.api("GET", f"/events?{query}").body.splitlines()
            events = [json.loads(line) for line in lines]
            answers.append([chosen, [f"{event['Type']} {event['Action']}" for event in events]])
        nothing = filters(type=["nothing"])
        for query in (*(f"{span}&{nothing}" for span in SPANS), "filters=x", "filters=[1]"):
            answer = subject.api("GET", f"/events?{query}")
            answers.append([query, answer.status, answer.body.decode()])
    for mine, theirs in zip(*found.values(), strict=True):
        assert mine == theirs


# --- info --------------------------------------------------------------------------------------

OURS = "each engine's own"
LIMITED = "what this engine does not have yet"
INFO = {
    **dict.fromkeys(("ID", "DockerRootDir", "ServerVersion", "SystemTime"), OURS),
    **dict.fromkeys(("NFd", "NGoroutines"), OURS),
    **dict.fromkeys(("Plugins.Log", "Plugins.Network[]", "CDISpecDirs"), LIMITED),
    "Runtimes.odd": "runtimes on PATH need not be declared here",
}
CONTAINERD = dict.fromkeys(
    (
        "Containerd.Address",
        "Containerd.Namespaces.Containers",
        "Containerd.Namespaces.Plugins",
    ),
    OURS,
)


@pytest.mark.parametrize("version", ["1.24", "1.41", "1.43", "1.46", "1.48", "1.51"])
def test_info(ours: Subject, dockerd: Subject, version: str) -> None:
    documents = []
    for subject in (ours, dockerd):
        subject.create("true")
        documents.append(subject.daemon.api("GET", f"/v{version}/info").json())
        assert documents[-1]["ContainersStopped"] == documents[-1]["Containers"] == 1
    intended = INFO | (CONTAINERD if float(version[2:]) >= 46 else {})
    assert differences(documents[0], documents[1], intended) == []


def test_version(ours: Subject, dockerd: Subject) -> None:
    documents = [subject.api("GET", "/version").json() for subject in (ours, dockerd)]
    programs = []
    for document in documents:
        engine, *rest = document.pop("Components")
        programs.append(rest)
        assert engine["Details"]["ApiVersion"] == document["ApiVersion"]
    assert programs[0] == programs[1]
    own = ("BuildTime", "GitCommit", "GoVersion", "Platform.Name", "Version")
    assert differences(*documents, dict.fromkeys(own, OURS)) == []
