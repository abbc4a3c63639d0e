"""A reboot: every process, mount, interface and rule is gone, and so is /run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.containerd import Containerd
from tests.support.dockerd import Dockerd
from tests.support.engine import Engine
from tests.support.netns import ask_tcp
from tests.support.subject import Subject, assert_settles, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.oci_runtime import OddRuntime


@pytest.fixture(
    params=["ours", pytest.param("dockerd", marks=[pytest.mark.oracle, pytest.mark.thorough])]
)
def machine(
    request: pytest.FixtureRequest, busybox_tar: Path, odd_runtime: OddRuntime
) -> Iterator[Subject]:
    """An engine on a containerd that nobody else uses."""
    if request.param == "ours":
        with Containerd() as containerd, Engine(containerd) as engine:
            engine.load(busybox_tar)
            yield Subject(engine, odd_runtime)
    else:
        with Dockerd(arguments=["--live-restore"]) as dockerd:
            dockerd.load(busybox_tar)
            yield Subject(dockerd, odd_runtime)


def reboot(subject: Subject) -> None:
    """Pull the plug, and start everything again."""
    daemon = subject.daemon
    daemon.kill()
    daemon.containerd.kill()
    for workspace in {daemon.workspace, daemon.containerd.workspace}:
        notes = workspace.path / "links"
        links = notes.read_text() if notes.exists() else ""
        workspace.sweep()
        notes.write_text(links)  # what is made anew is to be removed in the end, too
    shutil.rmtree(daemon.containerd.state, ignore_errors=True)
    shutil.rmtree(daemon.workspace.path / "exec", ignore_errors=True)
    daemon.containerd.start()
    daemon.start()


def status(subject: Subject, name: str) -> str:
    return str(subject.state(name)["Status"])


def test_what_comes_back(machine: Subject) -> None:
    policies = ("no", "always", "unless-stopped", "on-failure")
    for name in policies:
        machine.create("sleep", "1000", name=name, host={"RestartPolicy": {"Name": name}})
        machine.start(name)
    machine.create("sleep", "1000", name="rm", host={"AutoRemove": True})
    machine.start("rm")
    machine.create("sleep", "1000", name="stopped", host={"RestartPolicy": {"Name": "always"}})
    machine.start("stopped")
    machine.docker("stop", "-t", "0", "stopped")
    machine.create("true", name="created")
    machine.create(
        *("sh", "-c", "echo kept >>/data/file; cat /data/file; sleep 1000"),
        name="volume",
        host={"Binds": ["data:/data"], "RestartPolicy": {"Name": "always"}},
    )
    machine.start("volume")
    assert eventually(lambda: machine.logs("volume"))
    reboot(machine)
    # on-failure too: 255 is a failure; and they run before anybody is served
    for name in ("always", "unless-stopped", "on-failure", "stopped", "volume"):
        assert status(machine, name) == "running"
    state = machine.state("no")
    assert (state["Status"], state["ExitCode"], state["Pid"]) == ("exited", 255, 0)
    assert status(machine, "created") == "created"
    assert not machine.exists("rm")
    assert eventually(lambda: machine.logs("volume") == "kept\nkept\nkept\n")
    assert machine.start("no").status == 204
    assert machine.start("created").status == 204
    machine.remove_everything()
    assert_settles(machine.traces)


def test_the_network_comes_back(machine: Subject) -> None:
    machine.create(
        *("sh", "-c", "while :; do echo hello | nc -l -p 80; done"),
        name="web",
        ExposedPorts={"80/tcp": {}},
        host={
            "RestartPolicy": {"Name": "always"},
            "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "31380"}]},
        },
    )
    machine.start("web")
    address = machine.inspect("web")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    reboot(machine)
    assert status(machine, "web") == "running"
    assert eventually(lambda: "hello" in answer(address, 80))
    assert eventually(lambda: "hello" in answer("127.0.0.1", 31380))


def answer(address: str, port: int) -> str:
    """What is said there, if anybody listens."""
    try:
        return ask_tcp(None, address, port)
    except OSError:
        return ""
