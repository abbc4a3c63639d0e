"""Sockets: whose they are, stale ones, live ones, systemd's, TCP only with TLS."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import stat
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.api import serve
from runner.api.logsetup import set_up_logging
from runner.api.notify import sd_notify
from runner.api.server import Listener, listen
from runner.api.tcp import Access, TLSFiles, warnings_of
from runner.types.errors import InvalidParameter, System

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def opened() -> Iterator[list[Listener]]:
    listeners: list[Listener] = []
    yield listeners
    for listener in listeners:
        listener.close()


def test_a_socket_is_its_group_s_and_nobody_else_s(folder: Path, opened: list[Listener]) -> None:
    path = folder / "deeper" / "runner.sock"
    opened += listen([f"unix://{path}"], group=str(os.getgid()))
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert path.stat().st_gid == os.getgid()


def test_a_stale_socket_is_replaced(folder: Path, opened: list[Listener]) -> None:
    path = folder / "runner.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    opened += listen([f"unix://{path}"])
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_live_socket_is_left_alone(folder: Path, opened: list[Listener]) -> None:
    path = folder / "runner.sock"
    opened += listen([f"unix://{path}"])
    with pytest.raises(System, match="another engine is listening there"):
        listen([f"unix://{folder / 'other.sock'}", f"unix://{path}"])
    assert not (folder / "other.sock").exists()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_of_many_that_start_at_once_one_listens(folder: Path, opened: list[Listener]) -> None:
    path = folder / "runner.sock"
    refused: list[System] = []

    def start() -> None:
        try:
            opened.extend(listen([f"unix://{path}"]))
        except System as error:
            refused.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), len(refused)) == (1, 7)


def test_a_file_in_the_way_is_not_touched(folder: Path) -> None:
    path = folder / "precious"
    path.write_text("data")
    with pytest.raises(System, match="not a socket"):
        listen([f"unix://{path}"])
    assert path.read_text() == "data"


def test_closing_takes_away_only_its_own(folder: Path, opened: list[Listener]) -> None:
    path = folder / "runner.sock"
    (first,) = listen([f"unix://{path}"])
    first.withdraw()
    opened += listen([f"unix://{path}"])
    first.close()
    assert path.exists()


@pytest.mark.parametrize(
    "host", ["", "/run/x.sock", "http://x", "unix:/x", "tcp", "npipe:////./pipe/x"]
)
def test_bad_addresses(host: str) -> None:
    with pytest.raises(InvalidParameter, match="invalid bind address format"):
        listen([host])


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:0", "invalid port: 0"),
        ("127.0.0.1:70000", "invalid port: 70000"),
        ("127.0.0.1:1/x", "should not contain a path element"),
        ("127.0.0.1:x", 'parse "tcp://127.0.0.1:x": invalid port ":x" after host'),
    ],
)
def test_bad_tcp_addresses(address: str, reason: str) -> None:
    text = f"invalid bind address (tcp://{address}): {reason}"
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        listen([f"tcp://{address}"])


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    delays: list[float] = []
    monkeypatch.setattr("runner.api.tcp.time.sleep", delays.append)
    return delays


ANYBODY = Access()
MEANT = Access(meant=True)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "", "0.0.0.0"])
def test_an_address_that_anybody_may_use_is_opened_late_and_if_meant(
    opened: list[Listener], slept: list[float], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    port = free_port()
    shown = f"tcp://{name or 'localhost'}:{port}"
    with pytest.raises(InvalidParameter, match=f"^whoever reaches {shown} would be root"):
        listen([f"tcp://{name}:{port}"], access=ANYBODY)
    opened += listen([f"tcp://{name}:{port}"], access=MEANT)
    assert slept == [1]
    assert len(caplog.messages) == 3
    assert all(message.startswith(f"{shown}: ") for message in caplog.messages)
    with socket.create_connection(("127.0.0.1", port)):
        pass


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_what_info_warns_of() -> None:
    files = TLSFiles(Path("cert"), Path("key"), None)
    hosts = ["unix:///x", "tcp://", "tcp://[::]:1"]
    first, second = warnings_of(hosts, ANYBODY)
    assert first.startswith(
        "[DEPRECATION NOTICE]: API is accessible on http://localhost:2375 without encryption."
        "\n         Access to the remote API is equivalent to root access on the host. Refer\n"
    )
    assert "http://[::]:1 " in second
    assert "https://[::]:1 without TLS client verification." in warnings_of(hosts, Access(files))[1]
    guarded = Access(TLSFiles(Path("cert"), Path("key"), Path("ca")))
    assert warnings_of(hosts, guarded) == []


def test_tls_files_must_be_there(folder: Path) -> None:
    missing = TLSFiles(folder / "cert", folder / "key", folder / "ca")
    text = (
        "invalid TLS configuration: could not load X509 key pair "
        f'(cert: "{folder}/cert", key: "{folder}/key"): No such file or directory'
    )
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        listen(["tcp://127.0.0.1:1"], access=Access(missing))


def given(*words: str) -> Access:
    return serve._access(serve._parser().parse_args(words))


def test_who_is_let_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As dockerd reads its flags and variables."""
    monkeypatch.setenv("RUNNER_CERT_PATH", str(folder))
    verified = Access(TLSFiles(folder / "cert.pem", folder / "key.pem", folder / "ca.pem"))
    unverified = Access(TLSFiles(folder / "cert.pem", folder / "key.pem", None), meant=True)
    assert given() == ANYBODY
    assert given("--tls") == given("--tlsverify") == verified
    assert given("--no-tls") == MEANT
    assert given("--no-tlsverify") == given("--tls", "--no-tlsverify") == unverified
    assert given("--tlscacert=/a/ca").tls == TLSFiles(
        folder / "cert.pem", folder / "key.pem", Path("/a/ca")
    )
    monkeypatch.setenv("RUNNER_TLS_VERIFY", "1")
    assert given() == verified
    assert given("--no-tls") == MEANT


def test_a_group_that_is_named_must_exist(folder: Path) -> None:
    with pytest.raises(InvalidParameter, match="group no-such-group not found"):
        listen([f"unix://{folder / 'x.sock'}"], group="no-such-group")


def test_the_default_group_need_not_exist(
    folder: Path,
    opened: list[Listener],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def nobody(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr("runner.api.server.grp.getgrnam", nobody)
    path = folder / "x.sock"
    opened += listen([f"unix://{path}"])
    assert path.stat().st_gid == os.getegid()
    assert caplog.messages == [f"could not change group {path} to docker: group docker not found"]


def test_no_sockets_from_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    with pytest.raises(System, match="no sockets found via socket activation"):
        listen(["fd://"])
    assert "LISTEN_FDS" not in os.environ


def test_notify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sd_notify("READY=1")  # nobody asked: nothing happens
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(folder / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        sd_notify("READY=1")
        assert supervisor.recv(100) == b"READY=1"


@pytest.fixture
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
def test_json_log_lines_carry_the_container(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "json")
    container = "ab" * 32
    logging.getLogger("runner.engine.start").warning("failed to start %s", container)
    logging.getLogger("runner.engine.start").debug("not shown")
    (line,) = capsys.readouterr().err.splitlines()
    fields = json.loads(line)
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "level": "warning",
        "module": "engine.start",
        "msg": f"failed to start {container}",
        "container": container,
    }


@pytest.mark.usefixtures("root_logger")
def test_text_log_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "text")
    logging.getLogger("runner.x").error("two words")
    assert capsys.readouterr().err.endswith(' level=error module=x msg="two words"\n')


@pytest.mark.usefixtures("root_logger")
def test_serve_says_in_one_sentence_why_it_cannot(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text("")
    arguments = ["--group=", f"--host=unix://{folder / 'file'}", f"--pidfile={folder / 'pid'}"]
    assert serve.main(arguments) == 1
    assert capsys.readouterr().err == (
        f"runner: cannot listen on {folder / 'file'}: a file is in the way that is not a socket\n"
    )
    assert not (folder / "pid").exists()


def test_the_roots_are_called_what_the_kernel_calls_them(tmp_path: Path) -> None:
    """Mounts are looked for by their paths."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    words = [f"--data-root={tmp_path}/link/data", f"--exec-root={tmp_path}/link/exec"]
    config = serve._engine_config(serve._parser().parse_args(words), ())
    assert (config.data_root, config.exec_root) == (tmp_path / "real/data", tmp_path / "real/exec")
