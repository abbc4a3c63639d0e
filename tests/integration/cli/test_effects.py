"""What docker's command line does to one dockerd, ours does, too: each life is lived twice."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.compat.compare import without_accidents
from tests.integration.cli.conftest import Live, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.oracle

RUN = "run -d --name box --network none busybox sleep 100000"
LIVES: dict[str, list[str]] = {
    "exec": [
        RUN,
        "exec -d box sh -c 'echo kept > /file'",
        "exec box sh -c 'sleep 0.2; cat /file; exit 7'",
        "exec -e A=b -w /tmp -u tester box sh -c 'echo $A; pwd; id -un; touch new'",
        "exec box stat -c '%U %n' /tmp/new",
        "inspect -f '{{len .ExecIDs}}{{.ExecIDs}}' box",
    ],
    "pause": [
        RUN,
        "pause box",
        "ps --format '{{.Names}} {{.State}} {{.Status}}'",
        "pause box",
        "exec box true",
        "top box -o comm",
        "unpause box",
        "unpause box",
        "inspect -f '{{.State.Status}} {{.State.Paused}}' box",
    ],
    "pause several": [
        RUN,
        "run -d --name other --network none busybox sleep 100000",
        "pause other nosuch box",
        "unpause box other nosuch",
    ],
    "restart": [
        RUN,
        "create --name made --network none busybox true",
        "restart -t 0 box nosuch made",
        "inspect -f '{{.State.Status}} {{.RestartCount}}' box",
        "restart --time 0 -s KILL box",
        "wait made",
    ],
    "diff": [
        "create --name box busybox sh -c 'echo x > /new; rm /etc/group; echo y >> /etc/passwd'",
        "diff box",
        "start -a box",
        "diff box",
    ],
    "commit": [
        "create --name box --network none -e A=b busybox sh -c 'echo x > /new'",
        "start -a box",
        """commit -a 'Me <m@e>' -m msg -c 'CMD ["cat", "/new"]' -c 'ENV C=d' box made:1""",
        "image inspect -f '{{.Author}} {{.Comment}} {{.Config.Cmd}} {{.Config.Env}}' made:1",
        "run --rm --network none made:1",
        "commit box",
        "commit -p=false box made:2 --bogus",
        "container commit --pause=false box made:2",
        "images made --format '{{.Tag}}'",
    ],
    "update": [
        RUN,
        "update -m 64m --memory-swap 128m --cpus 0.5 --pids-limit 50 box",
        "update --restart on-failure:3 box",
        "inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCPUs}} "
        "{{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy}}' box",
        "exec box cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max",
        "update --cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0 --blkio-weight 100 box",
        "update --cpus 1 --cpu-quota 1000 box",
        "update --restart no --pids-limit -1 nosuch box",
        "update --kernel-memory 64m box",
    ],
    "prune": [
        RUN,
        "create --name one -l keep=no --network none busybox",
        "create --name two --network none busybox",
        "container prune -f --filter label=keep",
        "ps -a --format '{{.Names}}'",
        "container prune -f --filter label!=x --filter until=24h",
        "container prune -f",
        "container prune -f",
        "ps -a --format '{{.Names}}'",
    ],
    "system prune": [
        RUN,
        "create --name one --network none busybox",
        "network create -l mine unused",
        "volume create --label mine unused",
        "volume create --label mine",
        "system prune -f --filter label=mine",
        "system prune -f --volumes --filter label=mine",
        "system prune -f",
        "ps -a --format '{{.Names}}'",
        "volume ls -q",
    ],
    "volumes": [
        "volume create --label keep --label a=b -o type=tmpfs -o device=tmpfs one",
        "volume create --name two",
        "volume create two",
        "volume create -o nosuch=x three",
        "volume create --label keep",
        "volume create --name one two",
        "volume create a/b",
        "create --name box --network none -v one:/v -v /anonymous busybox",
        "volume ls",
        "volume ls -q --filter dangling=true --filter label=keep",
        "volume inspect one two nosuch",
        "volume inspect -f '{{.Name}} {{.Driver}} {{.Options}} {{json .Labels}}' one two",
        "inspect --type volume -f '{{.Options.type}}' one",
        "volume rm one nosuch",
        "volume rm -f one nosuch",
        "volume prune",
        "volume prune -f --filter label!=keep",
        "volume prune -f --filter label!=keep --all",
        "volume ls --format '{{.Name}} {{.Label \"a\"}}'",
        "rm -v box",
        "volume prune --force",
        "volume remove one one",
        "volume prune -af --filter all=1",
        "volume list -q",
    ],
    "tag": [
        "tag busybox again:1",
        "tag busybox again",
        "image tag busybox:latest localhost:5000/some/where:x",
        "images --format '{{.Repository}}:{{.Tag}}' again",
        "images --format '{{.Repository}}:{{.Tag}}' localhost:5000/some/where",
    ],
    "inspect and list": [
        "volume create kept",
        "network create own",
        "create --name box --network own -v kept:/v busybox",
        "inspect -f '{{.Name}} {{.Driver}} {{.Scope}} {{.Options}} {{.Labels}}' kept",
        "inspect --type volume -f '{{json .}}' kept",
        "inspect --type network -f '{{.Name}} {{.Driver}} {{.Internal}} {{.IPAM.Driver}}' own",
        "inspect -s kept",
        "ps -a --format '{{.Networks}} {{.Mounts}} {{.LocalVolumes}}'",
        "system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'",
    ],
    "start attached": [
        "create -i --name box --network none busybox sh -c 'echo out; echo err >&2; exit 5'",
        "start -a box",
        "start -ai box",
        "start box nosuch",
        "wait box",
        "logs box",
        "rm -v box nosuch",
        "rm -f box",
    ],
    "stop and kill": [
        RUN,
        "stop -t 0 -s INT box",
        "stop box",
        "kill box",
        "start box",
        "kill -s HUP box",
        "kill --signal 9 box",
        "wait box",
        "rm box",
    ],
}


@pytest.fixture
def engine(_oracle_with_busybox: Any) -> Iterator[Live]:
    live = Live(_oracle_with_busybox)
    clear(live)
    yield live
    clear(live)


def clear(live: Live) -> None:
    """Leave nothing but busybox."""
    live.server.remove_everything()
    listed = live.docker("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout
    images = [line.split() for line in listed.splitlines() if not line.startswith("busybox:")]
    if images:
        names = (identity if name == "<none>:<none>" else name for name, identity in images)
        live.docker("rmi", *names)


@pytest.mark.parametrize("name", LIVES)
def test_the_same_life(name: str, engine: Live) -> None:
    theirs = lived(engine, engine.docker, LIVES[name])
    clear(engine)
    ours = lived(engine, engine.runner, LIVES[name])
    assert ours == theirs


_NOT_OURS = ("network create",)
"""What docker has to do in both lives."""


def lived(
    engine: Live, program: Callable[..., Any], lines: list[str]
) -> list[tuple[str, int, str, str]]:
    """Each line with its exit code, stdout and stderr."""
    seen = []
    for line in lines:
        run = engine.docker if line.startswith(_NOT_OURS) else program
        done = run(*shlex.split(line))
        seen.append(
            (line, done.returncode, in_order(line, _plain(done.stdout)), _plain(done.stderr))
        )
    return seen


def _plain(text: str) -> str:
    return re.sub("(?i)docker", "runner", without_accidents(text))
