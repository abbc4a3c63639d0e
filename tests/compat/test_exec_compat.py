"""Exec, pause and health checks by the stock docker CLI: the same as with dockerd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.compat.compare import check

if TYPE_CHECKING:
    from tests.compat.compare import Commands
    from tests.support.subject import Subject

pytestmark = [pytest.mark.root, pytest.mark.oracle]

BOX = "run -d --name box busybox sleep 1000"

EXEC: dict[str, Commands] = {
    "output": ["exec box echo hi"],
    "both outputs": ["exec box sh -c 'echo out; echo err >&2; exit 3'"],
    "input": [("exec -i box cat", "in\n")],
    "input without -i": [("exec box cat", "in\n")],
    "input to its end": [("exec -i box sh -c 'cat; echo end'", "a\nb")],
    "input that nobody reads": [("exec -i box true", "in\n" * 1000)],
    "detached": ["exec -d box sh -c 'echo x >/file'", "exec box sh -c 'sleep 0.2; cat /file'"],
    "not found": ["exec box nonexist", "exec box /bin/nonexist", "exec -d box nonexist"],
    "a directory": ["exec box /etc"],
    "no executable": ["exec box /etc/passwd"],
    "killed": ["exec box sh -c 'kill -9 $$'", "exec box sh -c 'kill -TERM $$'"],
    "environment": ["exec -e A=b -e PATH=/bin -e HOSTNAME box env"],
    "directory": ["exec -w /tmp box pwd", "exec -w /nonexist box pwd", "exec -w rel box pwd"],
    "user": [
        "exec -u tester box id",
        "exec -u 1234 box id",
        "exec -u 1000:7 box id",
        "exec -u nosuch box id",
        "exec -u root:nosuch box id",
    ],
    "capabilities": [
        "exec box grep Cap /proc/self/status",
        "exec -u 1000 box grep Cap /proc/self/status",
        "exec --privileged box grep -E 'CapInh|CapAmb|NoNewPrivs|Seccomp:' /proc/self/status",
    ],
    "terminal without one": ["exec -t box sh -c 'tty; echo err >&2'", "exec -it box true"],
    "terminal": ["exec -t -d box true"],
    "no container": ["exec nosuch true"],
    "no command": ["exec box", "exec box ''"],
    "detach keys": ["exec --detach-keys nonsense box true", "exec -t --detach-keys a box true"],
    "in a paused one": ["pause box", "exec box true", "unpause box", "exec box true"],
    "in a stopped one": ["stop -t 0 box", "exec box true"],
    "processes": ["exec box ps -o args"],
    "who is there": ["inspect -f '{{json .ExecIDs}}' box"],
    "long line": ["exec box sh -c 'head -c 100000 /dev/zero | tr \"\\0\" x | wc -c'"],
}

SETTINGS: dict[str, Commands] = {
    "as the container's user": [
        "run -d --name box -u tester -w /tmp -e A=b -h box busybox sleep 1000",
        "exec box sh -c 'id; pwd; env'",
        "exec -u root -w / box sh -c 'id; pwd'",
    ],
    "with its groups": [
        "run -d --name box --group-add 77 busybox sleep 1000",
        "exec box id",
        "exec -u tester box id",
    ],
    "with its limits": [
        "run -d --name box --ulimit nofile=100:200 --oom-score-adj 7 busybox sleep 1000",
        "exec box sh -c 'ulimit -Hn; cat /proc/self/oom_score_adj'",
    ],
    "with its capabilities": [
        "run -d --name box --cap-drop ALL --cap-add CHOWN busybox sleep 1000",
        "exec box grep Cap /proc/self/status",
    ],
    "in a privileged one": [
        "run -d --name box --privileged busybox sleep 1000",
        "exec box sh -c 'mount -t tmpfs x /mnt && echo mounted'",
    ],
    "without new privileges": [
        "run -d --name box --security-opt no-new-privileges busybox sleep 1000",
        "exec box grep NoNew /proc/self/status",
    ],
    "in a terminal's container": [
        "run -d -t --name box busybox sleep 1000",
        "exec box sh -c 'env; tty'",
    ],
    "beside an init": [
        "run -d --init --name box busybox sleep 1000",
        "exec box ps -o args",
    ],
    "read-only": [
        "run -d --read-only --tmpfs /tmp --name box busybox sleep 1000",
        "exec box sh -c 'touch /x; touch /tmp/x && ls /tmp'",
    ],
    "on the host's network": [
        "run -d --network host --name box busybox sleep 1000",
        "exec box hostname",
    ],
}

PAUSE: dict[str, Commands] = {
    "there and back": [
        BOX,
        "pause box",
        "ps --format '{{.Names}} {{.State}} {{.Status}}'",
        "inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' box",
        "pause box",
        "unpause box",
        "ps --format '{{.Names}} {{.State}} {{.Status}}'",
        "unpause box",
    ],
    "several": [BOX, "run -d --name two busybox sleep 1000", "pause box two nosuch", "unpause two"],
    "one that does not run": [
        "create --name box busybox true",
        "pause box",
        "unpause box",
        "start -a box",
        "pause box",
    ],
    "what a paused one can": [
        BOX,
        "pause box",
        "start box",
        "attach box",
        "rm box",
        "rename box two",
        "logs two",
    ],
    "killed": [BOX, "pause box", "kill box", "wait box", "ps -a --format '{{.Status}}'"],
    "stopped": [BOX, "pause box", "stop -t 1 box", "ps -a --format '{{.Status}}'"],
    "removed": [BOX, "pause box", "rm -f box", "ps -aq"],
    "restarted": [BOX, "pause box", "restart -t 0 box", "ps --format '{{.State}}'"],
}

HEALTH: dict[str, Commands] = {
    "settings": [
        "create --name box --health-cmd 'test -e /x' --health-interval 1m30s --health-timeout 2s"
        " --health-retries 4 --health-start-period 3s --health-start-interval 100ms busybox true",
        "inspect -f '{{json .Config.Healthcheck}} {{json .State.Health}}' box",
    ],
    "none": [
        "create --name box --no-healthcheck busybox true",
        "inspect -f '{{json .Config.Healthcheck}} {{json .State.Health}}' box",
        "ps -a -f health=none --format '{{.Names}}'",
        "ps -a -f health=healthy --format '{{.Names}}'",
        "ps -a -f health=nonsense --format '{{.Names}}'",
    ],
    "bad settings": [
        "create --health-cmd true --health-interval 1us busybox true",
        "create --health-cmd true --health-retries -1 busybox true",
        "create --no-healthcheck --health-cmd true busybox true",
    ],
    "just started": [
        "run -d --name box --health-cmd true busybox sleep 1000",
        "ps --format '{{.Status}}'",
        "inspect -f '{{json .State.Health}}' box",
        "ps -f health=starting --format '{{.Names}}'",
        "stop -t 0 box",
        "inspect -f '{{json .State.Health}}' box",
        "ps -a --format '{{.Status}}'",
    ],
    "healthy": [
        "run -d --name box --health-cmd 'echo fine' --health-interval 100ms busybox sleep 1000",
        "exec box sleep 2",
        "ps --format '{{.Status}}'",
        "inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' box",
        "inspect -f '{{len .State.Health.Log}} {{(index .State.Health.Log 0).Output}}' box",
        "pause box",
        "ps --format '{{.Status}}'",
        "inspect -f '{{.State.Health.Status}}' box",
    ],
    "unhealthy": [
        "run -d --name box --health-cmd 'echo no; exit 2' --health-interval 100ms"
        " --health-retries 2 busybox sleep 1000",
        "exec box sleep 3",
        "ps --format '{{.Status}}'",
        "inspect -f '{{.State.Health.Status}} {{(index .State.Health.Log 4).ExitCode}}' box",
        "ps -f health=unhealthy --format '{{.Names}}'",
    ],
    "too slow": [
        "run -d --name box --health-cmd 'echo begun; sleep 100' --health-interval 100ms"
        " --health-timeout 500ms --health-retries 1 busybox sleep 1000",
        "exec box sleep 3",
        "inspect -f '{{json (index .State.Health.Log 0).ExitCode}}' box",
        "inspect -f '{{json (index .State.Health.Log 0).Output}}' box",
        "ps --format '{{.Status}}'",
    ],
    "one that cannot run": [
        "run -d --name box --health-interval 100ms --health-retries 1 --health-cmd true"
        " --entrypoint sleep busybox 1000",
        "exec box rm /bin/sh",
        "exec box sleep 2",
        "inspect -f '{{json (index .State.Health.Log 1).ExitCode}}' box",
    ],
}


@pytest.mark.parametrize("commands", EXEC.values(), ids=EXEC)
def test_exec(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, [BOX, *commands])


@pytest.mark.parametrize("commands", SETTINGS.values(), ids=SETTINGS)
def test_exec_with_the_containers_settings(
    ours: Subject, dockerd: Subject, commands: Commands
) -> None:
    check(ours, dockerd, commands)


@pytest.mark.parametrize("commands", PAUSE.values(), ids=PAUSE)
def test_pause(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)


@pytest.mark.parametrize("commands", HEALTH.values(), ids=HEALTH)
def test_health(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    check(ours, dockerd, commands)
