"""What can be seen: each scenario says what is about to happen, does it, and cleans up."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.containerd.client import Containerd
from runner.containerd.containers import Container, Runtime
from runner.containerd.runc import RUNTIME
from runner.demo import registry
from runner.demo.image import NAME, static_busybox
from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing to see. `about` is told before, `look` what to look for afterwards."""

    name: str
    title: str
    about: str
    look: str
    run: Callable[[Stage], None]


def _happy(stage: Stage) -> None:
    stage.say("A container runs, says something, ends, and is removed.")
    stage.runner("run", "--rm", "--name", "hello", NAME)


def _missing_image(stage: Stage) -> None:
    with registry.serving(stage.image) as reference:
        stage.say(f"The image {reference} is in a registry, but not here yet.")
        stage.runner("run", "--rm", reference, "echo", "pulled, and run")


def _conflict(stage: Stage) -> None:
    stage.say("A container is created: a record and a layer. containerd knows of none yet.")
    created = stage.runner("create", "--name", "stale", NAME, "echo", "once more, and now it runs")
    identity = created.output.strip()
    stage.say(
        "Past the engine a container of the same ID is put into containerd, its task running."
    )
    pid = asyncio.run(_make_stale(stage, identity))
    stage.did(
        "a stale container and its task",
        "containerd",
        "As a crash at the wrong moment would leave them: the engine knows nothing of these.",
        container=identity,
        pid=pid,
    )
    stage.say("Now the container is started.")
    stage.runner("start", "--attach", "stale")


async def _make_stale(stage: Stage, identity: str) -> int:
    """A container and a running task of that ID, by containerd's API alone; the PID."""
    root = stage.path / "stale"
    (root / "bin").mkdir(parents=True, exist_ok=True)  # it may be played again
    (root / "proc").mkdir(exist_ok=True)
    shutil.copy(stage.busybox or static_busybox(), root / "bin/busybox")
    spec = json.dumps(_spec(root, identity, stage.cgroup_parent)).encode()
    async with Containerd(stage.containerd, stage.namespace) as client:
        await client.containers.create(Container(identity, Runtime(RUNTIME), spec))
        await client.tasks.create(identity)
        return await client.tasks.start(identity)


def _spec(root: Path, identity: str, parent: str) -> dict[str, Any]:
    """As small as an OCI runtime specification can be."""
    return {
        "ociVersion": "1.0.2",
        "process": {
            "args": ["/bin/busybox", "sleep", "1000"],
            "cwd": "/",
            "user": {"uid": 0, "gid": 0},
        },
        "root": {"path": str(root)},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {
            "cgroupsPath": f"{parent or '/runner'}/{identity}",
            "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "network")],
        },
    }


def _start_failure(stage: Stage) -> None:
    stage.say("The program does not exist. Nobody can know that before runc looks for it.")
    stage.runner("run", "--name", "oops", NAME, "no-such-program")
    stage.say("Nothing of the run is left; the container is, with its exit code and its error.")
    stage.runner("inspect", "--format", "{{.State.ExitCode}}: {{.State.Error}}", "oops")
    stage.runner("rm", "oops")


def _permission(stage: Stage) -> None:
    stage.say("The program is there, but may not be executed: a text file without that permission.")
    stage.runner("run", "--rm", NAME, "/etc/passwd")


def _auto_remove(stage: Stage) -> None:
    stage.say("The container ends with code 3 and removes itself.")
    stage.runner("run", "--rm", "--name", "brief", NAME, "sh", "-c", "echo goodbye; exit 3")


def _crash(stage: Stage) -> None:
    stage.say("A container is started, detached.")
    stage.runner("run", "--detach", "--name", "survivor", NAME, "sleep", "1000")
    pid = stage.inspect("survivor")["State"]["Pid"]
    stage.say("The engine is killed, without warning.")
    engine_pid = stage.kill_engine()
    if not Path(f"/proc/{pid}").exists():
        raise System("the container has died with the engine")
    stage.did(
        "SIGKILL",
        "engine",
        "The engine is gone. The process runs on: its parent is the shim, which needs nobody.",
        pid=engine_pid,
        survivor=pid,
    )
    stage.say(f"Process {pid} still runs. Another engine is started, on what the first has left.")
    stage.start_engine()
    stage.say("It has taken the container up again. Now that is stopped, by the new engine.")
    stage.runner("stop", "--timeout", "0", "survivor")


def _restart_policy(stage: Stage) -> None:
    stage.say("The container fails, and its policy says: on failure start it again, twice at most.")
    stage.runner(
        *("run", "--detach", "--name", "again", "--restart", "on-failure:2"),
        *(NAME, "sh", "-c", "sleep 0.5; exit 1"),
    )
    stage.say("A wait for its next end: it is told of that, whatever the policy does then.")
    stage.runner("wait", "again")
    stage.say("Until the policy has had enough.")
    with suppress(TimeoutError):
        _until(lambda: stage.inspect("again")["State"]["Status"] == "exited")


def _until(done: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "happy",
            "A container runs",
            "The whole road once, from flags to a process and back. The command asks the engine"
            " four things: create, attach, wait, start. Only the last makes anything run. The"
            " engine asks containerd for a container (a record) and a task (the running side);"
            " containerd starts a shim, the shim runc, and runc becomes the program.",
            "attach and wait come before start, so that neither output nor exit can be missed."
            " Tasks/Create has runc set everything up and stop; Tasks/Start lets it go on.",
            _happy,
        ),
        Scenario(
            "missing-image",
            "The image is missing",
            "The engine never pulls by itself. It answers a create with 404, the command pulls, and"
            " creates once more.",
            "Two POST /containers/create, the first with 404, POST /images/create between them.",
            _missing_image,
        ),
        Scenario(
            "conflict",
            "containerd has one of that name",
            "containerd's container is made anew at every start. When one of its ID is still there,"
            " a crash has left it. dockerd kills and deletes its task, deletes it, and tries"
            " Create once more, exactly once.",
            "Containers/Create fails with “already exists”; then, below deleteStale, Tasks/Kill,"
            " Tasks/Delete and Containers/Delete; then Containers/Create once more.",
            _conflict,
        ),
        Scenario(
            "start-failure",
            "The program does not exist",
            "Only runc can know that a program is missing, as it looks inside of the container's"
            " root. By then mounts, namespace, address and containerd's container are there. All"
            " of it is undone, and the exit code is 127.",
            "Tasks/Create fails; what was made is undone in reverse order (↩); the API answers 400,"
            " and the command ends with 127. Shim and runc have no steps here: both are gone before"
            " their answer comes. Their words are in the error, one in front of the other.",
            _start_failure,
        ),
        Scenario(
            "permission",
            "The program may not be run",
            "The same road with another reason. containerd's error has no class, only a text: by"
            " its words dockerd tells 126 from 127.",
            "Tasks/Create fails with “permission denied”, which becomes 126. The command's wait is"
            " answered with 404: as --rm wants it the container is removed, and nobody's exit is"
            " left to wait for.",
            _permission,
        ),
        Scenario(
            "auto-remove",
            "It removes itself",
            "With --rm the engine removes the container after its end, not the command: it would do"
            " so too if the command were gone.",
            "handleContainerExit writes the exit down before anybody is told. Then"
            " cleanupContainer: the name is free, and the layer goes.",
            _auto_remove,
        ),
        Scenario(
            "crash",
            "The engine is killed",
            "A container's process is no child of the engine, nor of containerd: its parent is the"
            " shim. The engine may die at any time; the next one holds its records against"
            " containerd's list of tasks and goes on.",
            "SIGKILL, then daemon.restore: Tasks/List, and Tasks/Wait for the process that has run"
            " all the while. The first engine's Tasks/Wait is not over: nobody was left to hear"
            " its end.",
            _crash,
        ),
        Scenario(
            "restart-policy",
            "It is started again",
            "The restart policy is the engine's affair: containerd knows of none. Every start is a"
            " whole new road, with a new task and a new shim, after a pause that doubles.",
            "daemon.containerStart three times, with pauses of 0.1 and 0.2 seconds between them"
            " (restartmanager.wait). `runner wait` is told of the first end only.",
            _restart_policy,
        ),
    )
}
