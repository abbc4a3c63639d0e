"""The harness itself: every daemon starts, does its work, and leaves nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import images, residue
from tests.support.containerd import Containerd
from tests.support.dockerd import Dockerd
from tests.support.fixtures import PASSWORD, USER
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.registry import Registry
    from tests.support.toolchain import Version

OWN = residue.Scope(own_only=True)


@pytest.fixture
def no_residue() -> Iterator[None]:
    before = residue.take()
    yield
    assert residue.settled_diff(before, OWN) == []


@pytest.mark.parametrize("version", ["1.6", "1.7", "2.1"])
@pytest.mark.usefixtures("no_residue")
def test_containerd_serves_survives_a_kill_and_leaves_nothing(
    version: Version, tmp_path: Path
) -> None:
    archive = images.busybox_archive(tmp_path / "busybox.tar")
    name = "docker.io/library/busybox:latest"
    with Containerd(version) as containerd:
        assert f"Version:  {version}." in containerd.ctr("version").replace("v", "")
        containerd.ctr("images", "import", "--snapshotter", "overlayfs", str(archive))
        containerd.ctr("run", "--detach", "--null-io", name, "sleeper", "sleep", "1000")
        containerd.kill()
        assert not containerd.daemon.running()
        containerd.start()
        assert "RUNNING" in containerd.ctr("tasks", "list")
        containerd.restart()
        assert "RUNNING" in containerd.ctr("tasks", "list")
        containerd.ctr("tasks", "pause", "sleeper")  # what is paused does not die by itself


@pytest.mark.usefixtures("no_residue")
def test_the_oracle_runs_a_container_and_leaves_nothing(tmp_path: Path) -> None:
    archive = images.busybox_archive(tmp_path / "busybox.tar")
    with Dockerd() as dockerd:
        assert "busybox:latest" in dockerd.load(archive)
        done = dockerd.docker("run", "--rm", "-i", "busybox", "cat", input="hi\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")
        run = ["run", "--detach", "--init", "--publish", "127.0.0.1::80", "--name", "web"]
        assert dockerd.docker(*run, "busybox", "httpd", "-f", "-h", "/etc").returncode == 0
        port = int(dockerd.docker("port", "web", "80").stdout.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(b"GET /hostname HTTP/1.0\r\n\r\n")
            assert b" 200 OK" in client.recv(64)
        assert dockerd.docker("compose", "version").returncode == 0
        dockerd.kill()  # the container runs on: the worst case for the cleaning up


@pytest.mark.usefixtures("no_residue")
def test_two_oracles_at_once(tmp_path: Path) -> None:
    archive = images.busybox_archive(tmp_path / "busybox.tar")
    with Dockerd() as first:
        with Dockerd() as second:
            assert first.bridge != second.bridge
            second.load(archive)
        first.load(archive)
        # The second one's end must not take the first one's rules away.
        done = first.docker("run", "--rm", "busybox", "ip", "route")
        assert (done.returncode, "default via" in done.stdout) == (0, True), done.stderr


def test_the_registry_accepts_a_push_and_keeps_it_over_a_restart(registry: Registry) -> None:
    blobs = images.Blobs()
    target = images.add_index(
        blobs, [images.busybox_image(), images.Image([images.layer_tar([])], architecture="arm64")]
    )
    assert registry.push("library/thing", "1", blobs, target) == (
        f"{registry.address}/library/thing:1"
    )
    port = registry.port
    registry.stop()
    registry.start()
    assert registry.port == port
    accept = {"Accept": target["mediaType"]}
    status, headers, body = registry.request("GET", "/v2/library/thing/manifests/1", headers=accept)
    assert (status, headers["docker-content-digest"]) == (200, target["digest"])
    assert body == blobs[target["digest"]]


def test_the_private_registry_wants_its_password(private_registry: Registry) -> None:
    assert private_registry.request("GET", "/v2/")[0] == 200
    private_registry.username, private_registry.password = USER, "wrong"
    try:
        status, headers, _ = private_registry.request("GET", "/v2/")
    finally:
        private_registry.password = PASSWORD
    assert status == 401
    assert headers["www-authenticate"].startswith("Basic realm=")


def test_the_oracle_pulls_from_the_registry(oracle: Dockerd, registry: Registry) -> None:
    blobs = images.Blobs()
    target = images.layered_image("zstd").add_to(blobs)
    reference = registry.push("layered", "zstd", blobs, target)
    script = "cat /data/changed; ls /data /data/hidden"
    done = oracle.docker("run", "--rm", reference, "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "changed in layer 2"
    assert "removed" not in done.stdout
    assert "old" not in done.stdout


def test_a_run_that_leaves_something_behind_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ("tests.support.fixtures",)\n')
    (tmp_path / "test_untidy.py").write_text(
        "from tests.support.workspace import Workspace\n\n\n"
        "def test_untidy() -> None:\n    print('made', Workspace.make().path)\n"
    )
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", "--rootdir=."]
    environment = dict(os.environ, PYTHONPATH=os.getcwd(), RUNNER_TEST_DIR=str(tmp_path))
    done = subprocess.run(
        [*command, "test_untidy.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    (made,) = tmp_path.glob("rt-*")
    assert "1 passed" in done.stdout
    assert f"temporary directory: {made}" in done.stdout
    assert done.returncode == 1


def test_a_workspace_path_leaves_room_for_sockets() -> None:
    with Workspace.make() as workspace:
        # 107 is the limit; the longest name that daemons add below is dockerd's own.
        longest = "exec/libnetwork/0123456789ab.sock"
        assert len(os.fsencode(workspace.path)) + 1 + len(longest) < 107
