"""Who gets to the API: by TCP who has the right certificate, by the socket its group."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import shutil
import socket
import ssl
import stat
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.certificates import make_certificates
from tests.support.dockerd import run_docker
from tests.support.engine import Engine

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd
    from tests.support.subject import Subject

needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="certificates need openssl"
)


class Guarded(NamedTuple):
    """An engine at a TCP address, and the certificates of it and its clients."""

    engine: Engine
    port: int
    files: Path

    def docker(self, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        """The stock CLI, there, with our certificate."""
        tls = [f"--tls{kind}={self.files / name}" for kind, name in FILES.items()]
        host = f"tcp://127.0.0.1:{self.port}"
        words = ["--tlsverify", *tls, *arguments]
        return run_docker(host, self.engine.workspace, *words, **options)

    def ping(self, context: ssl.SSLContext) -> bytes:
        """The first bytes that come for a ping. Raises OSError when it is not let in."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(12)


FILES = {"cacert": "ca.pem", "cert": "cert.pem", "key": "key.pem"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def guarded(
    containerd: Containerd, tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path
) -> Iterator[Guarded]:
    files, port = make_certificates(tmp_path_factory.mktemp("tls")), free_port()
    arguments = [f"--host=tcp://127.0.0.1:{port}", "--tlsverify"]
    arguments += [f"--tls{kind}={files / name}" for kind, name in FILES.items()]
    with Engine(containerd, arguments=arguments) as engine:
        engine.load(busybox_tar)
        yield Guarded(engine, port, files)


def client_context(files: Path, *, own: Path | None) -> ssl.SSLContext:
    """A client that trusts the server's authority, with a certificate from `own`, if any."""
    context = ssl.create_default_context(cafile=files / "ca.pem")
    if own is not None:
        context.load_cert_chain(own / "cert.pem", own / "key.pem")
    return context


@needs_openssl
def test_the_stock_client_with_a_certificate(guarded: Guarded) -> None:
    """Upgraded connections included, which end in one direction before the other."""
    done = guarded.docker("run", "--rm", "-i", "busybox", "cat", input="through and back\n")
    assert (done.stdout, done.stderr, done.returncode) == ("through and back\n", "", 0)
    warnings = guarded.docker("info", "--format", "{{json .Warnings}}").stdout
    assert "API is accessible" not in warnings


@needs_openssl
def test_clients_of_the_authority_only(guarded: Guarded, tmp_path: Path) -> None:
    stranger = make_certificates(tmp_path)
    assert guarded.ping(client_context(guarded.files, own=guarded.files)) == b"HTTP/1.1 200"
    with pytest.raises(OSError, match="certificate required"):
        guarded.ping(client_context(guarded.files, own=None))
    with pytest.raises(OSError, match="unknown ca"):
        guarded.ping(client_context(guarded.files, own=stranger))
    # nor do the authorities that this host trusts vouch for anybody
    assert {"ca"} == {_name(authority) for authority in _authorities(guarded)}


def _authorities(guarded: Guarded) -> list[dict[str, object]]:
    """What the engine has loaded, the same way as it does."""
    from runner.api.tcp import TLSFiles

    files = guarded.files
    context = TLSFiles(files / "cert.pem", files / "key.pem", files / "ca.pem").context()
    return [dict(authority) for authority in context.get_ca_certs()]


def _name(authority: dict[str, object]) -> str:
    subject = authority["subject"]
    assert isinstance(subject, tuple)
    return str(subject[0][0][1])


@needs_openssl
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_and_plain_text_are_refused(guarded: Guarded) -> None:
    old = client_context(guarded.files, own=guarded.files)
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError, match="alert protocol version"):
        guarded.ping(old)
    new = client_context(guarded.files, own=guarded.files)
    new.minimum_version = new.maximum_version = ssl.TLSVersion.TLSv1_2
    assert guarded.ping(new) == b"HTTP/1.1 200"
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as plain:
        plain.sendall(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(100)


def test_an_address_without_tls_is_warned_of(containerd: Containerd) -> None:
    port = free_port()
    arguments = [f"--host=tcp://127.0.0.1:{port}", "--tls=false"]
    with Engine(containerd, arguments=arguments) as engine:
        done = run_docker(f"tcp://127.0.0.1:{port}", engine.workspace, "info", "-f", "{{json .}}")
        (warning, *_) = json.loads(done.stdout)["Warnings"]
        assert f"API is accessible on http://127.0.0.1:{port} without encryption." in warning
        log = engine.daemon.log.read_text()
        assert "Binding to IP address without --tlsverify is insecure" in log
        assert "Startup is intentionally being slowed down" not in log


@pytest.mark.oracle
def test_the_socket_is_dockerds_twin(ours: Subject, dockerd: Subject) -> None:
    one, other = (os.stat(subject.daemon.socket) for subject in (ours, dockerd))
    assert stat.filemode(one.st_mode) == stat.filemode(other.st_mode) == "srw-rw----"
    assert (one.st_uid, one.st_gid) == (other.st_uid, other.st_gid)


def test_the_sockets_group(containerd: Containerd) -> None:
    group = next(entry for entry in grp.getgrall() if entry.gr_gid not in {0, os.getegid()})
    with Engine(containerd, arguments=["-G", group.gr_name]) as engine:
        status = os.stat(engine.socket)
        assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (group.gr_gid, 0o660)
        assert _may_connect(engine.socket, group.gr_gid)
        assert not _may_connect(engine.socket, group.gr_gid + 1)


def _may_connect(path: Path, group: int) -> bool:
    """Whether nobody, of that group alone, gets to the socket."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(group)
            os.setuid(65534)
            socket.socket(socket.AF_UNIX).connect(str(path))
            code = 0
        except PermissionError:
            code = 13
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 13}
    return code == 0
