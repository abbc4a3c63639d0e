"""Volumes by the stock docker CLI: the same as with dockerd."""

from __future__ import annotations

import json
import time
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from tests.compat.compare import accidents_in, check

if TYPE_CHECKING:
    from tests.compat.compare import Commands
    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

SHOW = "volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{json .Labels}} {{json .Options}}'"
NAMES = "volume ls -q"

VERBS: dict[str, Commands] = {
    "one": ["volume create data", f"{SHOW} data", "volume ls", "volume rm data", "volume ls"],
    "anonymous": ["volume create", "volume ls --format '{{.Driver}} {{.Labels}}'"],
    "twice": ["volume create data", "volume create --label a=b data", f"{SHOW} data"],
    "labels": [
        "volume create --label a=b --label c data",
        f"{SHOW} data",
        'volume ls --format \'{{.Label "a"}} {{.Label "c"}} {{.Label "d"}}\'',
    ],
    "bad names": [
        "volume create x",
        "volume create _x",
        "volume create a/b",
        "volume create 'a b'",
        "volume create a:b",
        "volume create --name data",
        "volume create --name data other",
        "volume create one two",
        f"volume create {'n' * 300}",
    ],
    "drivers": [
        "volume create -d local data",
        "volume create -d nosuch data",
        "volume create -d nosuch other",
        NAMES,
    ],
    "options": [
        "volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=1000 data",
        f"{SHOW} data",
        "run --rm -v data:/d busybox sh -c 'stat -c \"%u %a\" /d; df -k /d | tail -1'",
        "run --rm -v data:/d busybox sh -c 'echo x >/d/file'",
        "run --rm -v data:/d busybox ls /d",
    ],
    "options that cannot be": [
        "volume create -o nonsense=1 data",
        "volume create -o type=tmpfs data",
        "volume create -o device=/x data",
        "volume create -o o=bind data",
        "volume create -o size=1m data",
        "volume create -o size=much data",
        "volume create -o type=cifs -o device=//host:445/share data",
        NAMES,
    ],
    "a bind as a volume": [
        "volume create -o type=none -o device=/usr/share/base-files -o o=bind,ro data",
        "run --rm -v data:/d busybox sh -c 'ls /d/motd; touch /d/x'",
        "volume rm data",
    ],
    "a device that is not there": [
        "volume create -o type=none -o device=/nonexistent -o o=bind data",
        "create --name box -v data:/d busybox",
        "inspect -f '{{.State.Status}} {{.State.ExitCode}}' box",
    ],
    "nfs without a server": [
        "volume create -o type=nfs -o o=addr=127.0.0.1,tcp,port=1,soft,retrans=0,timeo=1"
        " -o device=:/x data",
        f"{SHOW} data",
        "volume rm data",
    ],
    "removal": [
        "volume rm nosuch",
        "volume rm -f nosuch",
        "volume create a1",
        "volume create b1",
        "volume rm a1 nosuch b1",
        "volume rm",
    ],
    "in use": [
        "create --name box -v data:/d busybox",
        "volume rm data",
        "volume rm -f data",
        "rm box",
        "volume rm data",
    ],
    "in use by one that runs": [
        "run -d --name box -v data:/d busybox sleep 1000",
        "volume rm data",
        "rm -fv box",
        NAMES,
    ],
    "inspect": [
        "volume create data",
        "volume inspect nosuch",
        "volume inspect data nosuch -f '{{.Name}}'",
        "volume inspect",
        "inspect --type volume data -f '{{.Name}}'",
        "inspect --type volume nosuch",
    ],
    "filters": [
        "volume create --label colour=red red-one",
        "volume create --label colour=blue --label tone blue-one",
        "volume create plain",
        "create --name box -v used:/d busybox",
        f"{NAMES} -f dangling=true",
        f"{NAMES} -f dangling=false",
        f"{NAMES} -f dangling=1",
        f"{NAMES} -f dangling=perhaps",
        f"{NAMES} -f label=colour",
        f"{NAMES} -f label=colour=red",
        f"{NAMES} -f label=colour -f label=tone",
        f"{NAMES} -f label!=tone",
        f"{NAMES} -f name=one",
        f"{NAMES} -f name=^blue",
        f"{NAMES} -f name=one$ -f name=plain",
        f"{NAMES} -f name=(",
        f"{NAMES} -f driver=local",
        f"{NAMES} -f driver=nosuch",
        f"{NAMES} -f driver=local -f name=red -f dangling=1",
        f"{NAMES} -f nonsense=1",
    ],
    "prune": [
        "volume create",
        "volume create --label colour=red red-one",
        "volume create --label colour=blue --label tone blue-one",
        "volume create plain",
        "volume create -o type=tmpfs -o device=tmpfs optional",
        "create --name box -v used:/d -v /anonymous busybox",
        "volume prune -f --filter nonsense=1",
        "volume prune -f --filter until=1h",
        "volume prune -f --filter all=perhaps",
        "volume prune -f --filter label=nosuch",
        "volume prune -f",
        f"{NAMES} --filter label=colour",
        "volume prune -f -a --filter label=colour=red",
        "volume prune -f -a --filter label!=tone",
        "volume prune -f --filter all=true --filter label=tone",
        "volume prune -f -a --filter all=true",
        "rm box",
        "volume prune -f",
        "volume prune -f -a",
        f"{NAMES} -f name=o",
        ("volume prune", "n\n"),
    ],
    "prune reclaims": [
        "run --name box -v data:/d busybox dd if=/dev/zero of=/d/zeros bs=1000 count=7",
        "rm box",
        "volume prune -a -f",
    ],
}

USES: dict[str, Commands] = {
    "content of the image": [
        "run --rm -v data:/etc busybox ls /etc",
        "run --rm -v data:/d busybox ls /d",
        "run --rm -v data:/d:nocopy busybox ls /d",
    ],
    "no copy": [
        "run --rm -v data:/etc:nocopy busybox ls -A /etc",
        "run --rm -v data:/d busybox ls /d",
    ],
    "no copy by mount": [
        "run --rm --mount type=volume,src=data,dst=/var,volume-nocopy busybox ls -A /var",
    ],
    "owner and mode of the image's directory": [
        "run --rm -v data:/tmp busybox stat -c '%a %u:%g' /tmp",
        "run --rm -v data:/d busybox stat -c '%a %u:%g' /d",
    ],
    "read-only": ["run --rm -v data:/d:ro busybox touch /d/x"],
    "made by a container": [
        "run --rm -v data:/d busybox true",
        f"{SHOW} data",
        "run --rm --mount type=volume,src=other,dst=/d,volume-label=a=b,volume-driver=local"
        " busybox true",
        f"{SHOW} other",
        "run --rm --mount"
        " type=volume,src=third,dst=/d,volume-opt=type=tmpfs,volume-opt=device=tmpfs busybox true",
        f"{SHOW} third",
    ],
    "--rm removes anonymous ones only": [
        "run --rm -v data:/d -v /anonymous --mount type=volume,dst=/other busybox true",
        NAMES,
    ],
    "rm -v removes anonymous ones only": [
        "run --name box -v data:/d -v /anonymous busybox true",
        "rm -v box",
        NAMES,
    ],
    "rm leaves them": [
        "run --name box -v /anonymous busybox true",
        "rm box",
        "volume ls --format '{{.Driver}} {{.Labels}}'",
    ],
    "of another container": [
        "run --name box -v data:/d -v /anonymous busybox"
        " sh -c 'echo x >/d/f; echo y >/anonymous/f'",
        "run --rm --volumes-from box busybox cat /d/f /anonymous/f",
        "run --rm --volumes-from box:ro busybox touch /d/g",
        "run --rm --volumes-from nosuch busybox true",
        "run --rm --volumes-from box:nonsense busybox true",
        "rm -v box",
        NAMES,
    ],
    "anonymous ones that two have": [
        "create --name box -v /anonymous busybox",
        "create --name other --volumes-from box busybox",
        "rm -v box",
        "volume ls --format '{{.Driver}}'",
        "rm -v other",
        "volume ls --format '{{.Driver}}'",
    ],
    "subpath": [
        "run --rm -v data:/d busybox sh -c 'mkdir -p /d/a/b; echo x >/d/a/b/f; ln -s / /d/link'",
        "run --rm --mount type=volume,src=data,dst=/s,volume-subpath=a/b busybox ls /s",
        "run --rm --mount type=volume,src=data,dst=/s,volume-subpath=nosuch busybox ls /s",
        "run --rm --mount type=volume,src=data,dst=/s,volume-subpath=link/etc busybox ls /s",
        "run --rm --mount type=volume,src=data,dst=/s,volume-subpath=../x busybox ls /s",
        "run --rm --mount type=volume,src=data,dst=/s,volume-subpath=/a busybox ls /s",
        "run --rm --mount type=volume,src=data,dst=/s/f,volume-subpath=a/b/f busybox cat /s/f",
    ],
    "shared": [
        "run -d --name box -v data:/d busybox sleep 1000",
        "run --rm -v data:/d busybox sh -c 'echo x >/d/f'",
        "exec box cat /d/f",
    ],
    "restarted": [
        "run --name box -v data:/d busybox sh -c 'echo x >>/d/f; wc -l </d/f'",
        "start -a box",
        "restart box",
        "wait box",
        "logs box",
    ],
    "links that lead out": [
        "run --rm -v data:/d busybox ln -s /etc/hostname /d/link",
        "run --rm -v data:/d busybox sh -c 'readlink /d/link'",
    ],
    "driver": ["create --pull never --volume-driver nosuch -v data:/d busybox", NAMES],
    "mounts": [
        "create --name box -v data:/d:ro busybox",
        "create --name other -v /tmp:/t busybox",
        "inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} {{.Mode}}"
        " {{.RW}} {{.Propagation}};{{end}}' box other",
    ],
}


@pytest.mark.parametrize("commands", VERBS.values(), ids=VERBS)
def test_verbs(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


@pytest.mark.parametrize("commands", USES.values(), ids=USES)
def test_containers_with_volumes(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


REQUESTS: dict[str, tuple[str, str, Any]] = {
    "list": ("GET", "/volumes", None),
    "bad filters": ("GET", "/volumes?filters=x", None),
    "bad filter values": ("GET", "/volumes?filters=%7B%22name%22%3A1%7D", None),
    "one": ("GET", "/volumes/data", None),
    "none": ("GET", "/volumes/", None),
    "with slashes": ("GET", "/volumes/a/b", None),
    "create": ("POST", "/volumes/create", {"Name": "other"}),
    "create anonymous": ("POST", "/volumes/create", {}),
    "create with all": (
        "POST",
        "/volumes/create",
        {"Name": "other", "Driver": "local", "DriverOpts": {}, "Labels": {"a": ""}},
    ),
    "create a cluster's": ("POST", "/volumes/create", {"Name": "c", "ClusterVolumeSpec": {}}),
    "update": ("PUT", "/volumes/data?version=1", {}),
    "delete": ("DELETE", "/volumes/data", None),
    "delete what is not there": ("DELETE", "/volumes/nosuch", None),
    "delete it by force": ("DELETE", "/volumes/nosuch?force=1", None),
    "delete nothing": ("DELETE", "/volumes/", None),
    "prune": ("POST", "/volumes/prune", None),
    "prune all": ("POST", "/volumes/prune?filters=%7B%22all%22%3A%5B%221%22%5D%7D", None),
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_requests(ours: Subject, dockerd: Subject, request_: tuple[str, str, Any]) -> None:
    assert _answer(ours, *request_) == _answer(dockerd, *request_)


def test_prune_before_api_1_42_takes_named_ones(ours: Subject, dockerd: Subject) -> None:
    for subject in (ours, dockerd):
        subject.api("POST", "/volumes/create", {"Name": "data"})
        answer = subject.daemon.api("POST", "/v1.41/volumes/prune", None)
        assert answer.json() == {"VolumesDeleted": ["data"], "SpaceReclaimed": 0}


def test_events(ours: Subject, dockerd: Subject) -> None:
    assert _events(ours) == _events(dockerd)


@pytest.mark.parametrize(
    "command",
    [
        "volume prune -f --filter all=1 --filter all=0",
        "volume ls -q -f dangling=1 -f dangling=0",
    ],
)
def test_yes_and_no(ours: Subject, dockerd: Subject, command: str) -> None:
    """In which order the two are named is that of a map in dockerd."""
    first, second = (subject.docker(*command.split()) for subject in (ours, dockerd))
    assert first.returncode == second.returncode == 1
    assert sorted(first.stderr) == sorted(second.stderr)


def _events(subject: Subject) -> list[str]:
    """In which order a container's volumes are mounted is that of a map in dockerd."""
    since = time.time_ns()
    for command in (
        "volume create data",
        "volume create data",
        "volume create -d nosuch other",
        "run --rm -v data:/d -v /anonymous busybox true",
        "volume rm data",
        "volume prune -f",
    ):
        subject.docker(*command.split())
    lines = [line for line in subject.events(since) if line.startswith("volume")]
    by_verb = groupby(lines, key=lambda line: line.split()[1])
    return [line for _, same in by_verb for line in sorted(same)]


def _answer(subject: Subject, method: str, target: str, body: Any) -> tuple[int, Any]:
    subject.api("POST", "/volumes/create", {"Name": "data", "Labels": {"a": "b"}})
    answer = subject.api(method, target, body)
    text = answer.body.decode().replace(str(_volumes_root(subject)), "ROOT")
    try:
        return answer.status, accidents_in(json.loads(text))
    except ValueError:
        return answer.status, text


def _volumes_root(subject: Subject) -> str:
    mountpoint = subject.api("GET", "/volumes/data").json().get("Mountpoint", "-")
    return str(mountpoint).removesuffix("/data/_data")
