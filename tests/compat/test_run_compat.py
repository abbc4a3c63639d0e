"""Command lines of the stock docker CLI: the same output, errors and exit codes as with dockerd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compat.compare import check

if TYPE_CHECKING:
    from tests.compat.compare import Commands
    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

FOREGROUND: dict[str, Commands] = {
    "echo": ["run --rm busybox echo hi"],
    "exit code": ["run --rm busybox sh -c 'exit 42'"],
    "killed by itself": ["run --name box busybox sh -c 'kill -9 $$; sleep 1'", "wait box"],
    "not found": ["run --rm busybox nonexist", "ps -a"],
    "not found by path": ["run --rm busybox /bin/nonexist"],
    "a directory": ["run --rm busybox /etc"],
    "no executable": ["run --rm busybox /etc/passwd"],
    "not found, detached": ["run --rm -d busybox nonexist", "ps -a"],
    "not found, kept": ["run --name box busybox nonexist", "ps -a", "wait box", "logs box"],
    "not found, once more": ["create --name box busybox nonexist", "start box", "start -a box"],
    "file on directory": ["run --rm -v /etc/hostname:/tmp busybox true"],
    "directory on file": ["run --rm -v /tmp:/etc/passwd busybox true"],
    "no command": ["run --rm --entrypoint '' busybox"],
    "entrypoint": ["run --rm --entrypoint echo busybox a b"],
    "entrypoint not found": ["run --rm --entrypoint nonexist busybox a b"],
    "stderr": ["run --rm busybox sh -c 'echo out; echo err >&2; exit 3'"],
    "only stderr": ["run --rm -a stderr busybox sh -c 'echo out; echo err >&2'"],
    "only stdout": ["run --rm -a stdout busybox sh -c 'echo out; echo err >&2'"],
    "only stdin": [("run --rm -i -a stdin busybox sh -c 'cat; echo out'", "in\n")],
    "a bad stream": ["run --rm -a foo busybox true"],
    "input": [("run --rm -i busybox cat", "x\n")],
    "input without -i": [("run --rm busybox cat", "x\n")],
    "no final newline": [("run --rm -i busybox cat", "x")],
    "-t without a terminal": ["run --rm -t busybox sh -c 'tty; echo err >&2'"],
    "-it without a terminal": ["run --rm -it busybox true", "ps -aq"],
    "detached and attached": ["run -d -a stdout busybox true"],
}

SETTINGS: dict[str, Commands] = {
    "environment": ["run --rm -e A=b -e C -h box busybox env"],
    "hostname": ["run --rm -h box --domainname example busybox hostname -f"],
    "host's files": ["run --rm -h box --add-host a:1.2.3.4 busybox grep -v ADDRESS /etc/hosts"],
    "user": ["run --rm -u 1000:1000 busybox id"],
    "user by name": ["run --rm -u tester busybox id -u"],
    "unknown user": ["run --rm -u nosuch busybox id"],
    "unknown group": ["run --rm -u root:nosuch busybox id"],
    "more groups": ["run --rm --group-add 7 busybox id -G"],
    "new directory": ["run --rm -w /new/dir busybox pwd"],
    "relative directory": ["run --rm -w new busybox pwd"],
    "read-only": ["run --rm --read-only busybox touch /x"],
    "tmpfs": ["run --rm --tmpfs /t:size=1m busybox sh -c 'grep \" /t \" /proc/mounts'"],
    "bind": ["run --rm -v /etc/hostname:/x:ro busybox sh -c 'echo >/x'"],
    "volume": [
        "run --rm -v data:/data busybox sh -c 'echo kept >/data/x'",
        "run --rm -v data:/data:ro busybox sh -c 'cat /data/x; touch /data/y'",
    ],
    "limits": ["run --rm --ulimit nofile=100:200 busybox sh -c 'ulimit -n; ulimit -Hn'"],
    "memory": ["run --rm -m 32m busybox cat /sys/fs/cgroup/memory.max"],
    "too little memory": ["run --rm -m 1m busybox true"],
    "pids": ["run --rm --pids-limit 20 busybox cat /sys/fs/cgroup/pids.max"],
    "shm": ["run --rm --shm-size 1m busybox sh -c 'df /dev/shm | tail -n 1'"],
    "sysctl": ["run --rm --sysctl net.ipv4.ip_forward=0 busybox sysctl net.ipv4.ip_forward"],
    "no privileges": ["run --rm busybox mount -t tmpfs x /mnt"],
    "privileged": ["run --rm --privileged busybox mount -t tmpfs x /mnt"],
    "capabilities": [
        "run --rm --cap-drop ALL busybox grep Cap /proc/self/status",
        "run --rm --cap-add NET_ADMIN busybox grep Cap /proc/self/status",
        "run --rm --cap-add NONSENSE busybox true",
    ],
    "no new privileges": [
        "run --rm --security-opt no-new-privileges busybox grep NoNew /proc/self/status"
    ],
    "init": ["run --rm --init busybox ps -o comm"],
    "pid namespaces": [
        "run -d --name box busybox sleep 1000",
        "run --rm --pid container:box busybox sh -c 'ps -o comm | head -n 2'",
        "run --rm --pid container:nosuch busybox true",
    ],
    "network none": ["run --rm --network none busybox ip -o link"],
    "network of another": [
        "run -d --name box -h inside busybox sleep 1000",
        "run --rm --network container:box busybox hostname",
        "run --rm --network container:nosuch busybox hostname",
    ],
    "unknown network": ["run --rm --network nosuch busybox true"],
    "restart and rm": ["run --rm --restart always busybox true"],
    "unknown restart policy": ["run --restart nonsense busybox true"],
    "unknown runtime": ["run --rm --runtime nosuch busybox true"],
    "unknown flag": ["run --nonsense busybox true"],
    "no image": ["run", "run --pull never nosuch true", "run Nosuch true"],
    "bad port": ["run -p 1:2:3:4 busybox true", "run -p 99999:1 busybox true"],
    "labels": [
        "create --name box -l a=b -l c busybox true",
        "inspect -f '{{json .Config.Labels}}' box",
        "ps -a -f label=a=b --format '{{.Names}} {{.Labels}}'",
    ],
}

LIFE: dict[str, Commands] = {
    "background": [
        "run -d --name box busybox sh -c 'echo out; echo err >&2; exit 3'",
        "wait box",
        "logs box",
        "ps -a",
        "rm box",
        "ps -a",
    ],
    "name taken": ["create --name box busybox true", "run --name box busybox true"],
    "bad name": ["run --name _box busybox true", "run --name x busybox true"],
    "stop": [
        "run -d --name box busybox sleep 1000",
        "stop -t 0 box",
        "stop box",
        "ps -a --format '{{.Names}} {{.State}}'",
        "inspect -f '{{.State.ExitCode}} {{.State.Status}} {{.State.Error}}' box",
    ],
    "stop signal": [
        "run -d --name box --stop-signal INT --init busybox sleep 1000",
        "stop box",
        "inspect -f '{{.State.ExitCode}}' box",
    ],
    "bad stop signal": ["run --stop-signal NONSENSE busybox true"],
    "kill": [
        "run -d --name box busybox sleep 1000",
        "kill -s NONSENSE box",
        "kill -s 0 box",
        "kill box",
        "kill box",
        "inspect -f '{{.State.ExitCode}}' box",
    ],
    "start": [
        "create --name box busybox sh -c 'echo again'",
        "start box",
        "wait box",
        "start -a box",
        "logs box",
    ],
    "start a running one": ["run -d --name box busybox sleep 1000", "start box"],
    "restart": [
        "run -d --name box busybox sleep 1000",
        "restart -t 0 box",
        "inspect -f '{{.State.Status}} {{.RestartCount}}' box",
    ],
    "rm": [
        "run -d --name box busybox sleep 1000",
        "rm box",
        "rm -f box",
        "rm -f box",
        "rm box",
        "ps -a",
    ],
    "rm several": [
        "create --name one busybox",
        "create --name two busybox",
        "rm one nosuch two",
        "ps -a",
    ],
    "rename": [
        "create --name box busybox",
        "create --name crate busybox",
        "rename box crate",
        "rename box box",
        "rename box _x",
        "rename nosuch x1",
        "rename box chest",
        "ps -a --format '{{.Names}}'",
    ],
    "nosuch": [
        "start nosuch",
        "stop nosuch",
        "kill nosuch",
        "rm nosuch",
        "logs nosuch",
        "wait nosuch nosuch2",
        "inspect nosuch",
        "attach nosuch",
        "restart nosuch",
        "port nosuch",
    ],
    "attach to a stopped one": ["create --name box busybox", "attach box"],
    "logs": [
        "run --name box busybox sh -c 'for i in 1 2 3; do echo $i; done; sleep 0.3; echo err >&2'",
        "logs --tail 2 box",
        "logs --tail all box",
        "logs --tail x box",
        "logs -t --tail 1 box",
        "logs --since 1h box",
        "logs --until 1h box",
        "logs --since nonsense box",
        "logs -f box",
        "logs --details box",
    ],
    "logs without a log": ["run --name box --log-driver none busybox echo hi", "logs box"],
    "unknown log option": ["run --log-opt nonsense=1 busybox true"],
    "ps": [
        "run -d --name up busybox sleep 1000",
        "run --name done busybox sh -c 'exit 3'",
        "create --name made -p 80 busybox 'a b' c",
        "ps",
        "ps -a",
        "ps -a --no-trunc --format '{{.Command}}'",
        "ps -l",
        "ps -n 2 -q",
        "ps -f status=exited",
        "ps -f status=nonsense",
        "ps -f nonsense=1",
        "ps -a -f exited=3",
        "ps -a -f exited=x",
        "ps -a -f name=^/u",
        "ps -a -f before=nosuch",
        "ps -a -f ancestor=nosuch",
        "ps -a -f since=done --format '{{.Names}}'",
        "ps -a --format '{{.Names}} {{.Networks}} {{.Ports}} {{.Mounts}} {{.LocalVolumes}}'",
    ],
    "published": [
        "run -d --name box -p 127.0.0.1::80 -p 127.0.0.1::53/udp busybox sleep 1000",
        "port box",
        "port box 80",
        "port box 81",
        "ps",
    ],
    "inspect": [
        "create --name box -e A=b busybox sh -c 'exit 3'",
        "inspect -f '{{.Name}} {{.Path}} {{.Args}} {{.Driver}} {{.Platform}}' box",
        "inspect -f '{{json .State}}' box",
        "inspect -f '{{.Nonsense}}' box",
        "inspect -f '{{json .Config}}' box",
        "inspect -f '{{json .Mounts}}' box",
        "inspect --type image box",
        "container inspect -s -f '{{.SizeRw}}' box",
    ],
    "restart policy": [
        "run --name box --restart on-failure:1 busybox sh -c 'exit 3'",
        "inspect -f '{{json .HostConfig.RestartPolicy}}' box",
    ],
    "images": [
        "images busybox",
        "image inspect -f '{{.Os}} {{json .RepoTags}} {{json .Config.Cmd}}' busybox",
        "image inspect nosuch",
        "images nosuch",
    ],
}


@pytest.mark.parametrize("commands", FOREGROUND.values(), ids=FOREGROUND)
def test_in_the_foreground(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


@pytest.mark.parametrize("commands", SETTINGS.values(), ids=SETTINGS)
def test_settings(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


@pytest.mark.parametrize("commands", LIFE.values(), ids=LIFE)
def test_the_life_of_a_container(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)
