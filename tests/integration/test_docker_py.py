"""docker-py on our socket."""

from __future__ import annotations

import contextlib
import gc
import io
import tarfile
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest

from tests.support.images import Blobs, busybox_image
from tests.support.subject import assert_settles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient

    from tests.support.registry import Registry
    from tests.support.subject import Subject

# docker-py closes the file under a response that was upgraded, of which Python 3.13 complains.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <(urllib3|http)\.:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture
def client(ours: Subject) -> Iterator[DockerClient]:
    with contextlib.closing(docker.DockerClient(base_url=ours.host, timeout=30)) as client:
        yield client


def test_who_is_there(client: DockerClient) -> None:
    assert client.ping()
    assert client.version()["ApiVersion"] == client.api._version
    assert client.info()["OSType"] == "linux"


def test_run_to_the_end(client: DockerClient, ours: Subject) -> None:
    assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
    output = client.containers.run(
        "busybox", "sh -c 'echo out; echo err >&2'", remove=True, stderr=True, stdout=False
    )
    assert output == b"err\n"
    assert_settles(ours.traces)


def test_a_failing_command(client: DockerClient) -> None:
    with pytest.raises(docker.errors.ContainerError) as failed:
        client.containers.run("busybox", "sh -c 'echo no >&2; exit 3'", remove=True)
    assert (failed.value.exit_status, failed.value.stderr) == (3, b"no\n")


@pytest.mark.runc
def test_a_missing_command(client: DockerClient) -> None:
    with pytest.raises(docker.errors.APIError, match="executable file not found") as failed:
        client.containers.run("busybox", "nonexist", name="box")
    assert failed.value.status_code == 400
    assert client.containers.get("box").status == "created"


def test_in_the_background(client: DockerClient) -> None:
    script = ["sh", "-c", "echo one; sleep 0.1; echo two; exit 4"]
    container = client.containers.run("busybox", script, detach=True, labels={"a": "b"})
    assert list(container.logs(stream=True)) == [b"one\n", b"two\n"]
    assert container.wait() == {"StatusCode": 4}
    container.reload()
    assert (container.status, container.labels) == ("exited", {"a": "b"})
    assert container.attrs["State"]["ExitCode"] == 4
    assert container.logs(tail=1) == b"two\n"
    assert client.containers.list(all=True, filters={"label": "a=b"}) == [container]
    container.rename("crate")
    assert client.containers.get("crate") == container
    container.remove()
    with pytest.raises(docker.errors.NotFound, match="No such container: crate"):
        client.containers.get("crate")


def test_the_life_of_a_container(client: DockerClient) -> None:
    container = client.containers.create("busybox", "sleep 1000", tty=True)
    container.start()
    container.reload()
    assert container.status == "running"
    container.kill("SIGTERM")  # sleep as PID 1 does not care
    container.stop(timeout=0)
    container.restart(timeout=0)
    container.reload()
    assert container.status == "running"
    with pytest.raises(docker.errors.APIError, match="container is running") as refused:
        container.remove()
    assert refused.value.status_code == 409
    container.remove(force=True)


def test_attach(client: DockerClient) -> None:
    container = client.containers.create("busybox", "cat", stdin_open=True)
    reader = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
    with contextlib.closing(reader._sock), reader:  # the reader's end alone leaves it open
        container.start()
        reader._sock.sendall(b"hello\n")
        assert reader.read(14) == b"\x01\0\0\0\0\0\0\x06hello\n"
    container.remove(force=True)


def test_files_and_limits(client: DockerClient, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_text("content")
    output = client.containers.run(
        "busybox",
        "sh -c 'cat /data/file; hostname; echo $A; id -u; touch /data/x || echo read-only'",
        volumes={str(tmp_path): {"bind": "/data", "mode": "ro"}},
        hostname="box",
        environment={"A": "b"},
        user="1000",
        mem_limit="64m",
        network_mode="none",
        remove=True,
        stderr=False,
    )
    assert output == b"contentbox\nb\n1000\nread-only\n"


def test_images(client: DockerClient) -> None:
    image = client.images.get("busybox")
    assert "busybox:latest" in image.tags
    assert image in client.images.list()
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("nosuch")


def test_events(client: DockerClient) -> None:
    with_name = {"container": "box", "event": ["create", "start", "die", "destroy"]}
    events = client.events(decode=True, filters=with_name)
    client.containers.run("busybox", "true", name="box", remove=True)
    assert [next(events)["Action"] for _ in range(4)] == ["create", "start", "die", "destroy"]
    events._response.close()


def test_files(client: DockerClient, ours: Subject) -> None:
    """docker-py takes archives compressed."""
    container = client.containers.create("busybox", "cat /tmp/greeting")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("greeting")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    assert container.put_archive("/tmp", buffer.getvalue())
    chunks, stat = container.get_archive("/tmp/greeting")
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        assert tar.extractfile("greeting").read() == b"hello"
    assert (stat["name"], stat["size"]) == ("greeting", 5)
    assert container.diff() == [
        {"Path": "/tmp", "Kind": 0},
        {"Path": "/tmp/greeting", "Kind": 1},
    ]
    with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
        assert "tmp/greeting" in tar.getnames()
    with ours.images_restored():
        image = container.commit("by-docker-py", "one", message="why", changes="ENV A=b")
        assert image.tags == ["by-docker-py:one"]
        assert "A=b" in image.attrs["Config"]["Env"]
        assert client.containers.run(image, remove=True) == b"hello"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_exec(client: DockerClient) -> None:
    container = client.containers.run("busybox", "sleep 1000", detach=True)
    done = container.exec_run("sh -c 'echo out; echo err >&2; exit 3'", demux=True)
    assert done == (3, (b"out\n", b"err\n"))
    assert container.exec_run("id -un", user="tester") == (0, b"tester\n")
    assert container.exec_run("stty size", tty=True).exit_code == 0
    output = container.exec_run(["sh", "-c", "echo 1; sleep 0.1; echo 2"], stream=True).output
    assert list(output) == [b"1\n", b"2\n"]
    container.remove(force=True)
    del output
    gc.collect()  # docker-py does not close the stream's socket: it ends here, not in another test


def test_figures(client: DockerClient) -> None:
    container = client.containers.run("busybox", "sleep 1000", detach=True, mem_limit="32m")
    once = container.stats(stream=False)
    assert (once["name"], once["memory_stats"]["limit"]) == (f"/{container.name}", 32 << 20)
    stream = container.stats(decode=True)
    first, second = next(stream), next(stream)
    assert first["cpu_stats"]["system_cpu_usage"] <= second["cpu_stats"]["system_cpu_usage"]
    assert container.top()["Titles"][0] == "UID"
    container.remove(force=True)
    assert all(last["name"] == f"/{container.name}" for last in stream)  # and then it ends


def test_volumes(client: DockerClient) -> None:
    volume = client.volumes.create("kept", labels={"a": "b"})
    client.containers.run(
        "busybox", "sh -c 'echo data > /kept/file'", volumes=["kept:/kept"], remove=True
    )
    mount = docker.types.Mount("/kept", "kept", read_only=True)
    output = client.containers.run("busybox", "cat /kept/file", mounts=[mount], remove=True)
    assert output == b"data\n"
    assert client.volumes.list(filters={"label": "a=b"}) == [volume]
    assert client.volumes.prune(filters={"all": "1", "label!": "a"})["VolumesDeleted"] == []
    volume.remove()
    with pytest.raises(docker.errors.NotFound, match="get kept: no such volume"):
        client.volumes.get("kept")


def test_networks(client: DockerClient) -> None:
    network = client.networks.create("own", driver="bridge", labels={"a": "b"}, internal=True)
    server = client.containers.run(
        "busybox", "httpd -f -p 80 -h /etc", name="server", network="own", detach=True
    )
    output = client.containers.run(
        "busybox", "wget -q -O - http://server/hostname", network="own", remove=True
    )
    assert output.decode().strip() == server.id[:12]
    other = client.containers.run("busybox", "sleep 1000", network_mode="none", detach=True)
    with pytest.raises(docker.errors.APIError, match="cannot be connected to"):
        network.connect(other)
    network.disconnect(server)
    network.connect(server, aliases=["alias"])
    network.reload()
    assert network.containers == [server]
    assert client.networks.list(filters={"label": "a=b"}) == [network]
    with pytest.raises(docker.errors.APIError, match="has active endpoints"):
        network.remove()
    server.remove(force=True)
    assert client.networks.prune(filters={"label": "a"})["NetworksDeleted"] == ["own"]
    with pytest.raises(docker.errors.NotFound, match="network own not found"):
        client.networks.get("own")
    other.remove(force=True)


def test_pulling(client: DockerClient, ours: Subject, registry: Registry) -> None:
    blobs = Blobs()
    registry.push("some/box", "1.0", blobs, busybox_image(Labels={"a": "b"}).add_to(blobs))
    name = f"{registry.address}/some/box"
    with ours.images_restored():
        image = client.images.pull(name, tag="1.0")
        assert image.tags == [f"{name}:1.0"]
        assert client.containers.run(f"{name}:1.0", "echo pulled", remove=True) == b"pulled\n"
        assert client.api.tag(image.id, "again", "2")
        assert client.images.get("again:2").id == image.id
        progress = client.api.pull(name, tag="1.0", stream=True, decode=True)
        assert f"Image is up to date for {name}:1.0" in list(progress)[-1]["status"]
        with pytest.raises(docker.errors.NotFound, match="not found"):
            client.images.pull(name, tag="2.0")


def test_what_is_not_there_yet_is_said(client: DockerClient) -> None:
    with pytest.raises(docker.errors.NotFound, match="page not found"):
        client.plugins.list()
