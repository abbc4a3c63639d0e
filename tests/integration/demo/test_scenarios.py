"""The demo's scenarios, on a real containerd, judged by their spans: what came in which order,
what was tried again, and what was undone. And twice, with nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.demo import image
from runner.demo.road import Road
from runner.demo.scenarios import SCENARIOS
from runner.demo.stage import Audience, Command, Stage
from runner.trace import tree
from tests.support import residue
from tests.support.subject import assert_settles
from tests.support.toolchain import static_busybox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.containerd import Containerd

pytestmark = pytest.mark.root

_ROUND_TRIP = ("Containers/Create", "Tasks/Create", "Tasks/Start", "Tasks/Delete")
"""The calls of containerd's that make and end one run, in their order."""


class Played:
    """A scenario that has been played, with all that was to be heard of it."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.road = Road()
        self.said: list[str] = []
        self.commands: list[Command] = []
        stage.audience = Audience(self.road.hear, self.said.append, self.commands.append)
        with stage.scenario(name):
            SCENARIOS[name].run(stage)

    def all(self, name: str, **attributes: Any) -> list[dict[str, Any]]:
        return list(self.road.named(name, **attributes))

    def one(self, name: str, **attributes: Any) -> dict[str, Any]:
        (found,) = self.all(name, **attributes)
        return found

    def order(self, *names: str) -> list[str]:
        """The steps of these names, in the order in which they began."""
        return [name for step in self.road.steps() for name in names if step["name"].endswith(name)]

    def failed(self) -> list[str]:
        """What failed and made something above it fail."""
        steps = self.road.steps()
        counted = tree.failures(steps)
        return [step["name"] for step in steps if counted.get(step["span_id"])]


def _added(before: residue.Snapshot) -> list[str]:
    return residue.diff(before, residue.take(), residue.Scope(own_only=False))


@pytest.fixture(scope="module")
def tags(containerd: Containerd) -> Iterator[set[str]]:
    """What the names of this module's stages have in them; when they are struck, nothing on the
    machine may bear such a name any more."""
    before, made = residue.take(), set[str]()
    yield made
    assert len(made) > 0
    places = [path.name for path in Path(tempfile.gettempdir()).glob("runner-demo-*")]
    assert [name for name in places if any(tag in name for tag in made)] == []
    assert_settles(lambda: {line for line in _added(before) if any(tag in line for tag in made)})


@pytest.fixture(scope="module")
def stage(tags: set[str], containerd: Containerd) -> Iterator[Stage]:
    with Stage(containerd=str(containerd.address), busybox=static_busybox()) as ready:
        tags.add(ready.tag)
        yield ready


def test_happy(stage: Stage) -> None:
    played = Played(stage, "happy")
    (command,) = played.commands
    assert command.code == 0
    assert "Hello from a container." in command.output
    assert played.order(*_ROUND_TRIP) == list(_ROUND_TRIP)
    assert played.order("/create", "/attach", "/wait", "/start")[::2][:1] == ["/create"]
    requests = [step["name"].rpartition("/")[2] for step in played.all("", kind="server")]
    assert requests == ["create", "attach", "wait", "start"]
    assert played.order("Tasks/Wait", "Tasks/Start") == ["Tasks/Wait", "Tasks/Start"]
    assert played.failed() == []
    start = played.one("daemon.containerStart")
    inside = [step["name"] for step in played.road.within(start)]
    assert inside.index("daemon.createSpec") < inside.index("libcontainerd.ReplaceContainer")
    spec = played.one("daemon.createSpec")["attributes"]["oci_spec"]
    assert spec["process"]["args"] == ["demo"]
    identity = start["attributes"]["container"]
    engine_steps = [s for s in played.road.within(start) if s["name"].startswith("daemon.")]
    assert {step["attributes"].get("container") for step in engine_steps} == {identity}


def test_shim_and_process_are_seen(stage: Stage) -> None:
    played = Played(stage, "crash")  # its process lives long enough to be looked at
    shim, created = played.one("containerd-shim-runc-v2"), played.one("runc create")
    started = played.one("execve")
    assert created["parent_id"] == shim["span_id"]
    assert created["attributes"]["pid"] == started["attributes"]["pid"]
    assert created["attributes"]["command"].endswith("init")
    assert started["attributes"]["command"].startswith("sleep")
    assert {space.partition(":")[0] for space in started["attributes"]["namespaces"]} >= {
        *("ipc", "mnt", "net", "pid", "uts")
    }
    # the engine was killed meanwhile, and another one took the container up
    killed, restored = played.one("SIGKILL"), played.one("daemon.restore")
    assert killed["attributes"]["survivor"] == started["attributes"]["pid"]
    assert killed["attributes"]["pid"] != started["attributes"]["pid"]  # the engine's own
    assert killed["began_ns"] < restored["began_ns"]
    assert "1 still running" in restored["attributes"]["report"]
    assert played.order(
        "daemon.containerStart", "daemon.restore", "daemon.handleContainerExit"
    ) == [
        "daemon.containerStart",
        "daemon.restore",
        "daemon.handleContainerExit",
    ]
    assert [command.code for command in played.commands] == [0, 0]


def test_missing_image(stage: Stage) -> None:
    played = Played(stage, "missing-image")
    assert played.commands[-1].code == 0
    assert played.commands[-1].output.endswith("pulled, and run\n")
    asked = [
        (step["name"], step["attributes"]["status"])
        for step in played.all("/create", kind="client")
        if step["name"].startswith("POST")
    ]
    assert asked == [
        ("POST /containers/create", 404),
        ("POST /images/create", 200),
        ("POST /containers/create", 201),
    ]
    again = played.all("POST /containers/create", kind="client")[-1]
    assert (again["attributes"]["role"], again["attributes"]["attempt"]) == ("retry", 2)
    pulled = played.one("POST /images/create", kind="server")
    names = [step["name"] for step in played.road.within(pulled)]
    assert "image.resolve" in names
    assert "image.fetch_layer" in names


def test_conflict(stage: Stage) -> None:
    played = Played(stage, "conflict")
    assert played.commands[-1].output == "once more, and now it runs\n"
    replaced = played.one("libcontainerd.ReplaceContainer")
    calls = [
        (step["name"].rpartition(".")[2], bool(step["error"]))
        for step in played.road.within(replaced)
        if step["name"].startswith("containerd.")
    ]
    calls = [call for call in calls if not call[0].endswith("/Get")]
    assert calls == [
        ("Containers/Create", True),
        ("Tasks/Wait", False),
        ("Tasks/Kill", False),
        ("Tasks/Delete", False),
        ("Containers/Delete", False),
        ("Containers/Create", False),
    ]
    first, second = played.all("libcontainerd.remote.NewContainer")
    assert "already exists" in first["error"]
    assert (second["attributes"]["role"], second["attributes"]["attempt"]) == ("retry", 2)
    assert replaced["error"] is None


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("start-failure", 127, "executable file not found in $PATH"),
        ("permission", 126, "permission denied"),
    ],
)
def test_failed_starts(stage: Stage, name: str, code: int, reason: str) -> None:
    played = Played(stage, name)
    assert played.commands[0].code == code
    assert played.failed() == ["containerd.services.tasks.v1.Tasks/Create"]
    assert reason in played.one("Tasks/Create")["error"]
    assert played.all("Tasks/Start") == []
    start = played.one("daemon.containerStart")
    undone = [s["name"] for s in played.road.within(start) if s["attributes"].get("role") == "undo"]
    assert undone == ["libcontainerd.Delete", "daemon.Cleanup"]
    assert played.order("Sandbox.Delete", "umount") == ["Sandbox.Delete", "umount"]
    deleted = played.road.within(played.one("libcontainerd.Delete"))
    assert deleted[-1]["name"].endswith("Containers/Delete")
    assert deleted[-1]["error"] is None
    released = played.all("daemon.releaseNetwork")
    assert released
    assert all(step["error"] is None for step in released)
    assert played.one("/start", kind="client")["attributes"]["status"] == 400


def test_auto_remove(stage: Stage) -> None:
    played = Played(stage, "auto-remove")
    (command,) = played.commands
    assert (command.code, command.output) == (3, "goodbye\n")
    exit_, removed = played.one("daemon.handleContainerExit"), played.one("daemon.cleanupContainer")
    assert exit_["attributes"]["exit_code"] == 3
    assert exit_["began_ns"] < removed["began_ns"]
    gone = [step["name"] for step in played.road.within(removed)]
    assert gone[-1].endswith("Snapshots/Remove")
    assert played.all("DELETE /containers/{name}") == []  # nobody but the engine has removed it


def test_restart_policy(stage: Stage) -> None:
    played = Played(stage, "restart-policy")
    starts = played.all("daemon.containerStart")
    assert [start["attributes"].get("restart", 0) for start in starts] == [0, 1, 2]
    assert [start["attributes"].get("role") for start in starts] == [None, "restart", "restart"]
    assert [pause["attributes"]["seconds"] for pause in played.all("restartmanager.wait")] == [
        0.1,
        0.2,
    ]
    exits = played.all("daemon.handleContainerExit")
    assert [exit_["attributes"]["exit_code"] for exit_ in exits] == [1, 1, 1]
    assert len(played.all("Tasks/Create")) == len(played.all("Tasks/Delete")) == 3
    waited = played.one("/wait", kind="client")
    assert waited["began_ns"] < exits[0]["began_ns"]
    assert played.commands[1].output == "1\n"


def test_the_same_again_by_the_command(
    stage: Stage, tags: set[str], containerd: Containerd
) -> None:
    """Another stage beside the first, shown as text; that neither leaves anything is seen at the
    end of this module."""
    places = [f"--containerd={containerd.address}", f"--busybox={static_busybox()}"]
    done = subprocess.run(
        [sys.executable, "-m", "runner", "demo", "--step", "--functions", *places, "start-failure"],
        input="\n" * 5,  # a line where there is no key
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "$ runner run --name oops demo:latest no-such-program" in done.stdout
    assert "(exit code 127)" in done.stdout
    assert "✗ failed: Tasks/Create: failed to create shim task" in done.stdout
    assert "127: failed to create task for container" in done.stdout
    where = "  runner.engine.start:container_start\n  daemon/start.go#containerStart\n"
    assert f"daemon.containerStart\n{where}" in done.stdout
    prose = [line for line in done.stdout.splitlines() if "OCI runtime create failed" not in line]
    assert max(map(len, prose)) <= 80
    tags.add(re.findall(r"-n runner-demo-([0-9a-f]{6}) ", done.stdout)[0])
    namespaces = containerd.ctr("namespaces", "list", "--quiet").split()
    assert [name for name in namespaces if name.startswith("runner-demo")] == [stage.namespace]


def test_a_stage_is_struck_without_its_engine(tags: set[str], containerd: Containerd) -> None:
    """As when it cannot be started again: that nothing is left is seen at the end, as above."""
    with Stage(containerd=str(containerd.address), busybox=static_busybox()) as stage:
        tags.add(stage.tag)
        started = stage._run(["run", "--detach", image.NAME, "sleep", "1000"])
        assert started.code == 0
        stage.kill_engine()
        assert not stage.serves


def test_it_is_left_while_its_engine_is_dead(tags: set[str], containerd: Containerd) -> None:
    """Ctrl-C at the pause after the kill: that nothing is left is seen at the end, as above."""
    places = [f"--containerd={containerd.address}", f"--busybox={static_busybox()}"]
    with subprocess.Popen(
        [sys.executable, "-m", "runner", "demo", "--step", *places, "crash"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdin is not None
        assert demo.stdout is not None
        demo.stdin.write("\n\n")  # on to the third pause
        demo.stdin.flush()
        for line in demo.stdout:
            if tag := re.search(r"-n runner-demo-([0-9a-f]{6}) ", line):
                tags.add(tag[1])
            if "the engine answers nobody now" in line:
                break
        demo.send_signal(signal.SIGINT)
        _, said = demo.communicate(timeout=120)
    assert (demo.returncode, said) == (130, "runner: cleaning up\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--list"], 0, "restart-policy  It is started again\nall             All of these, "),
        (["--web", "all"], 1, "runner: --web begins with one scenario"),
        (["nonsense"], 1, "runner: no such scenario: nonsense; there are happy, "),
    ],
)
def test_the_command_itself(arguments: list[str], code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "runner", "demo", *arguments], capture_output=True, text=True
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr
