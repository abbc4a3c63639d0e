"""What a CI job does with an engine in docker-in-docker."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.containerd import Containerd
from tests.support.engine import Engine
from tests.support.process import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dind.conftest import Service

MEBIBYTE = 1 << 20


def info(service: Service) -> dict[str, Any]:
    """`docker info`."""
    answer: dict[str, Any] = json.loads(service.out("info", "--format", "{{json .}}"))
    return answer


def test_it_runs_on_overlays(service: Service) -> None:
    answer = info(service)
    assert answer["Driver"] == "overlayfs"
    assert answer["CgroupDriver"] == "cgroupfs"
    assert "overlay" in service.out("run", "--rm", "busybox", "grep", " / ", "/proc/mounts")


def test_run_exec_copy_commit(service: Service) -> None:
    service.out("run", "--detach", "--name=box", "busybox", "sleep", "600")
    service.out("exec", "-i", "box", "sh", "-c", "cat >/kept", stdin="from outside\n")
    assert service.out("exec", "box", "cat", "/kept") == "from outside"
    assert b"from outside" in service.out("cp", "box:/kept", "-").encode()
    assert service.out("diff", "box") == "A /kept"
    service.out("commit", "box", "made")
    assert service.out("run", "--rm", "made", "cat", "/kept") == "from outside"
    service.out("rm", "--force", "box")
    service.out("rmi", "made")


def test_a_published_port_is_reached(service: Service) -> None:
    script = "echo served >/index.html; exec httpd -f -h / -p 80"
    service.out("run", "--detach", "--publish=80", "--name=web", "busybox", "sh", "-c", script)
    port = service.out("port", "web", "80").splitlines()[0].rpartition(":")[2]

    def served() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5) as answer:
                return bool(answer.read() == b"served\n")
        except OSError:
            return False

    wait_until(served, seconds=20, what="an answer from the published port")


def test_containers_find_each_other_by_name(service: Service) -> None:
    service.out("network", "create", "inner")
    serving = ("sh", "-c", "echo found >/index.html; exec httpd -f -h / -p 80")
    service.out("run", "--detach", "--network=inner", "--name=other", "busybox", *serving)
    asking = "until wget -q -O - http://other; do sleep 0.1; done"
    assert service.out("run", "--rm", "--network=inner", "busybox", "sh", "-c", asking) == "found"


def test_limits_are_the_kernels(service: Service) -> None:
    assert not [text for text in info(service).get("Warnings") or [] if "memory limit" in text]
    limits = (f"--memory={64 * MEBIBYTE}", "--pids-limit=50")
    files = "cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes"
    command = ("busybox", "sh", "-c", f"({files}) 2>/dev/null")
    assert int(service.out("run", "--rm", *limits, *command)) == 64 * MEBIBYTE


def test_memory_beyond_the_limit_is_an_oom_kill(service: Service) -> None:
    greedy = "head -c 100m /dev/zero | tail"
    limits = (f"--memory={32 * MEBIBYTE}", f"--memory-swap={32 * MEBIBYTE}")
    done = service.docker("run", "--name=greedy", *limits, "busybox", "sh", "-c", greedy)
    assert done.returncode == 137, done.stderr
    assert service.out("inspect", "--format={{.State.OOMKilled}}", "greedy") == "true"


def test_volumes_are_shared_and_keep(service: Service) -> None:
    service.out("run", "--rm", "--volume=data:/data", "busybox", "sh", "-c", "echo 1 >/data/x")
    assert service.out("run", "--rm", "--volume=data:/data:ro", "busybox", "cat", "/data/x") == "1"


@pytest.mark.parametrize("flags", [(), ("--privileged",)], ids=["default", "privileged"])
def test_proc_and_sys_are_there(service: Service, flags: tuple[str, ...]) -> None:
    script = "test -d /proc/self/ns && ls /sys/fs/cgroup >/dev/null && mount | grep -c ' /proc/'"
    masked = int(service.out("run", "--rm", *flags, "busybox", "sh", "-c", f"{script}; :"))
    assert (masked > 0) is (flags == ())


def test_without_a_volume_images_are_copied(
    monkeypatch: pytest.MonkeyPatch, service: Service, busybox_tar: Path
) -> None:
    """The test container's own root is an overlay."""
    monkeypatch.setenv("RUNNER_TEST_DIR", "/var/tmp/tests")
    with Containerd() as containerd, Engine(containerd) as engine:
        assert "copies an image for each container" in engine.daemon.log.read_text()
        engine.load(busybox_tar)
        done = engine.docker("run", "--rm", "busybox", "echo", "copied")
        assert (done.returncode, done.stdout) == (0, "copied\n")
