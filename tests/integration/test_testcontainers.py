"""testcontainers on our socket, used as its own documentation shows."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import ExecWaitStrategy, LogMessageWaitStrategy
from testcontainers.core.waiting_utils import wait_for_logs

from tests.support import debian, reaper
from tests.support.subject import eventually

if TYPE_CHECKING:
    from tests.support.subject import Subject

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # it closes no client

SERVE = "sh -c 'echo hello > /tmp/index.html; echo serving; exec httpd -f -v -p 80 -h /tmp'"
LEAVE = """
import os
from testcontainers.core.container import DockerContainer
print(DockerContainer("busybox").with_command("sleep 1000").start().get_wrapped_container().id)
os.sys.stdout.flush()
os._exit(0)  # as somebody who is killed, and cleans nothing up
"""


@pytest.fixture
def _ours(ours: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", ours.host)
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    monkeypatch.setattr(testcontainers_config, "tc_host_override", "127.0.0.1")
    monkeypatch.setattr(testcontainers_config, "sleep_time", 0.1)


@pytest.mark.usefixtures("_ours")
def test_a_server(ours: Subject) -> None:
    with DockerContainer("busybox").with_command(SERVE).with_exposed_ports(80) as container:
        wait_for_logs(container, LogMessageWaitStrategy("serving"))
        place = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(80)}"
        with urllib.request.urlopen(place, timeout=20) as answer:
            assert answer.read() == b"hello\n"
        assert container.exec("cat /tmp/index.html") == (0, b"hello\n")
        out, err = container.get_logs()
        assert (out, b"response:200" in err) == (b"serving\n", True)
    assert ours.api("GET", "/containers/json?all=1").json() == []


@pytest.mark.usefixtures("_ours")
def test_settings_files_and_waiting(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("given\n")
    wanted = (
        DockerContainer("busybox", volumes=[(str(tmp_path), "/given", "ro")])
        .with_env("A", "b")
        .with_name("named")
        .with_kwargs(hostname="box", mem_limit="32m")
        .with_tmpfs_mount("/t", "size=1m")
        .with_copy_into_container(b"copied\n", "/tmp/copied")
        .with_command("sh -c 'echo $A; hostname; sleep 0.2; echo ready; sleep 1000'")
    )
    with wanted.waiting_for(LogMessageWaitStrategy("ready")) as container:
        assert container.get_logs()[0] == b"b\nbox\nready\n"
        assert container.exec(["cat", "/given/given", "/tmp/copied"]).output == b"given\ncopied\n"
        ExecWaitStrategy(["test", "-d", "/t"]).wait_until_ready(container)
        container.copy_from_container("/tmp/copied", tmp_path / "back")
        assert (tmp_path / "back").read_text() == "copied\n"
        assert container.status == "running"


@pytest.mark.usefixtures("_ours")
def test_a_network() -> None:
    wget = "wget -q -O - http://server/index.html"
    with Network() as network:
        server = DockerContainer("busybox").with_command(SERVE).with_network(network)
        with server.with_network_aliases("server").waiting_for(LogMessageWaitStrategy("serving")):
            client = DockerContainer("busybox").with_command("sleep 1000").with_network(network)
            with client as container:
                assert container.exec(wget) == (0, b"hello\n")


def test_the_reaper(ours: Subject) -> None:
    """What a killed test process leaves is removed by the reaper, which has our socket mounted."""
    with ours.images_restored():
        ours.daemon.load(debian.archive("shop-web"))
        make_reaper(ours)
        environment = os.environ | {
            "DOCKER_HOST": ours.host,
            "RYUK_CONTAINER_IMAGE": "reaper",
            "TC_HOST": "127.0.0.1",
            "TC_POOLING_INTERVAL": "0.1",
        }
        leave = [sys.executable, "-c", LEAVE]
        done = subprocess.run(leave, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.strip()) == 64
        assert eventually(lambda: ours.api("GET", "/containers/json?all=1").json() == [])


def make_reaper(ours: Subject) -> None:
    """The image: Python's, and one file."""
    source = Path(reaper.__file__).read_bytes()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("reaper.py")
        info.size = len(source)
        tar.addfile(info, io.BytesIO(source))
    client = docker.DockerClient(base_url=ours.host)
    container = client.containers.create("shop-web", network_mode="none")
    container.put_archive("/", archive.getvalue())
    container.commit("reaper", changes='CMD ["python3", "-u", "/reaper.py"]')
    container.remove()
    client.close()
