"""TLS with client certificates, against the standard library's own TLS server."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from runner.client.address import parse_host
from runner.client.errors import ClientError
from runner.client.tls import TLSFiles
from runner.client.transport import Connection, connect
from tests.support.certificates import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates need openssl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority's ca.pem, and cert.pem with key.pem for 127.0.0.1, good for both sides."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


class Server:
    """Takes one connection: reads to its end, then answers with all of it, doubled."""

    def __init__(self, files: Path) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files / "ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_cert_chain(files / "cert.pem", files / "key.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = parse_host(f"tcp://127.0.0.1:{self._listener.getsockname()[1]}", tls=True)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        try:
            with self._context.wrap_socket(plain, server_side=True) as connection:
                received = b""
                while data := connection.recv(65536):
                    received += data
                connection.sendall(received * 2)
        except OSError:
            plain.close()

    def close(self) -> None:
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def server(files: Path) -> Iterator[Server]:
    made = Server(files)
    yield made
    made.close()


def read_all(connection: Connection) -> bytes:
    out = b""
    while data := connection.receive():
        out += data
    return out


def test_writing_ends_and_reading_goes_on(server: Server, files: Path) -> None:
    names = (str(files / name) for name in ("ca.pem", "cert.pem", "key.pem"))
    connection = connect(server.address, TLSFiles(*names))
    data = bytes(range(256)) * 4000
    connection.send(data)
    connection.close_write()
    connection.sock.setblocking(True)
    assert read_all(connection) == data * 2
    connection.close()


def test_a_server_that_nobody_vouches_for(server: Server, files: Path) -> None:
    with pytest.raises(ClientError, match="certificate verify failed"):
        connect(server.address, TLSFiles(ca=str(files / "cert.pem")))


def test_files_that_are_not_there(server: Server, files: Path) -> None:
    with pytest.raises(ClientError, match="No such file"):
        connect(server.address, TLSFiles(ca=str(files / "none.pem")))
