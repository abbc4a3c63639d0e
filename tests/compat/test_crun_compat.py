"""Another OCI runtime than runc: crun's words and codes come through as dockerd lets them."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.support.dockerd import Dockerd
from tests.support.engine import Engine
from tests.support.toolchain import crun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd

pytestmark = [pytest.mark.root, pytest.mark.oracle, pytest.mark.thorough]

COMMAND_LINES = (
    *(f"run --name box --runtime crun busybox {command}" for command in ("true", "nonexist")),
    *(f"run --name box --runtime crun busybox {path}" for path in ("/none", "/etc", "/etc/passwd")),
    "run --name box --runtime crun -v /etc/passwd:/etc busybox true",
    *(
        f"run --name box --runtime crun -v own:{place} busybox cat /proc/sys/kernel/core_pattern"
        for place in ("/proc", "/proc/sys/kernel")
    ),
    "run --name box --runtime crun --memory 24m busybox sh -c 'a=x; while :; do a=$a$a; done'",
)
ON_ONE_THAT_RUNS = (
    *(f"exec box {command}" for command in ("true", "nonexist", "/etc", "sh -c 'exit 3'")),
    *(f"update {limit} box" for limit in ("--cpu-shares 500000", "--cpus 0.5", "--pids-limit 20")),
    *("update --memory 64m --memory-swap 128m box", "pause box", "exec box true", "unpause box"),
    *("top box -o pid,args", "restart --time 1 box", "kill box", "start box", "stop --time 1 box"),
)
STATE = "inspect --format '{{json .State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}}"
STATE += " {{.State.Error}} {{.HostConfig.Runtime}}' box"


@pytest.fixture(scope="module")
def daemons(containerd: Containerd, busybox_tar: Path) -> Iterator[list[Engine | Dockerd]]:
    path = os.pathsep.join([str(crun().parent), containerd.env["PATH"]])
    with (
        Engine(containerd, env={"PATH": path}) as ours,
        Dockerd(arguments=[f"--add-runtime=crun={crun()}"]) as dockerd,
    ):
        for daemon in (ours, dockerd):
            daemon.load(busybox_tar)
        yield [ours, dockerd]


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_run(daemons: list[Engine | Dockerd], line: str) -> None:
    ours, dockerd = (said(daemon, line, STATE, "rm --force box") for daemon in daemons)
    assert ours == dockerd


def test_the_life_of_a_container(daemons: list[Engine | Dockerd]) -> None:
    begin = "run --detach --name box --runtime crun busybox sleep 1000"
    asked = [line for step in ON_ONE_THAT_RUNS for line in (step, STATE)]
    ours, dockerd = (said(daemon, begin, *asked, "rm --force box") for daemon in daemons)
    for line, our_answer, answer in zip((begin, *asked), ours, dockerd, strict=False):
        if line != begin and not line.startswith("top"):  # those tell IDs
            assert our_answer == answer, line


def said(daemon: Engine | Dockerd, *lines: str) -> list[tuple[int, str, str]]:
    """What the stock CLI answers to each."""
    answers = (daemon.docker(*shlex.split(line)) for line in lines)
    return [(done.returncode, done.stdout, done.stderr) for done in answers]
