"""Attach and logs: the first byte, the last one, half-closes, several clients and slow ones."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import time
from typing import TYPE_CHECKING, BinaryIO

import pytest

from tests.support.subject import assert_settles, eventually
from tests.support.toolchain import docker_cli

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.support.subject import Subject

MIB = 1024 * 1024
ALL = "stream=1&stdin=1&stdout=1&stderr=1"


class Attached:
    """A client on `box`."""

    def __init__(self, connection: socket.socket, query: str) -> None:
        self._connection = connection
        connection.sendall(
            f"POST /v1.51/containers/box/attach?{query} HTTP/1.1\r\nHost: x\r\n"
            "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode()
        )
        self._file: BinaryIO = connection.makefile("rb")
        head = list(iter(self._file.readline, b"\r\n"))
        assert head[0] == b"HTTP/1.1 101 UPGRADED\r\n", head

    def send(self, data: bytes) -> None:
        """Input."""
        self._connection.sendall(data)

    def end_input(self) -> None:
        """Half-close."""
        self._connection.shutdown(1)

    def frame(self) -> tuple[int, bytes] | None:
        """The next piece with its stream; None at the end."""
        header = self._file.read(8)
        if not header:
            return None
        stream, length = struct.unpack(">BxxxL", header)
        return stream, self._file.read(length)

    def rest(self) -> dict[int, bytes]:
        """All that comes until the end, by stream."""
        whole: dict[int, bytes] = {}
        while (piece := self.frame()) is not None:
            whole[piece[0]] = whole.get(piece[0], b"") + piece[1]
        return whole

    def raw(self, size: int = -1) -> bytes:
        """So many bytes of a terminal, or all that comes until the end."""
        return self._file.read(size)


@contextlib.contextmanager
def attached(subject: Subject, query: str = ALL) -> Iterator[Attached]:
    """Attach to `box`."""
    connection = subject.connection(timeout=60)
    connection.connect()
    try:
        yield Attached(connection.sock, query)
    finally:
        connection.close()


def start(subject: Subject) -> None:
    answer = subject.start()
    assert answer.status == 204, answer.message


def test_who_attaches_before_the_start_sees_everything(subject: Subject) -> None:
    subject.create("sh", "-c", "echo first; echo error >&2; echo last")
    with attached(subject) as client:
        start(subject)
        assert client.rest() == {1: b"first\nlast\n", 2: b"error\n"}


def test_the_end_of_input_is_not_the_end_of_output(subject: Subject) -> None:
    subject.create("sh", "-c", "wc -c; echo done", OpenStdin=True, StdinOnce=True)
    with attached(subject) as client:
        start(subject)
        client.send(b"x" * 300_000)
        client.end_input()
        assert client.rest() == {1: b"300000\ndone\n"}
    assert subject.wait() == {"StatusCode": 0}


def test_input_that_is_ended_before_the_start(subject: Subject) -> None:
    subject.create("cat", OpenStdin=True, StdinOnce=True)
    with attached(subject) as client:
        client.send(b"early\n")
        client.end_input()
        start(subject)
        assert client.rest() == {1: b"early\n"}


def test_without_stdin_once_the_next_client_goes_on(subject: Subject) -> None:
    subject.create("sh", "-c", "read a; read b; echo $a $b", OpenStdin=True)
    start(subject)
    with attached(subject, "stream=1&stdin=1") as first:
        first.send(b"one\n")
        first.end_input()
        assert first.rest() == {}
    with attached(subject) as second:
        second.send(b"two\n")
        assert second.rest() == {1: b"one two\n"}


def test_a_client_that_goes_away_ends_nothing(subject: Subject) -> None:
    subject.create("sh", "-c", "read a; echo $a", OpenStdin=True)
    start(subject)
    with attached(subject):
        pass
    with attached(subject) as client:
        client.send(b"still there\n")
        assert client.rest() == {1: b"still there\n"}


def test_two_clients_see_the_same(subject: Subject) -> None:
    subject.create("sh", "-c", "read a; seq 1 20000", OpenStdin=True)
    expected = {1: "".join(f"{number}\n" for number in range(1, 20001)).encode()}
    with attached(subject) as first, attached(subject) as second:
        start(subject)
        second.send(b"\n")
        assert first.rest() == expected
        assert second.rest() == expected


def test_only_the_streams_that_are_asked_for(subject: Subject) -> None:
    subject.create("sh", "-c", "echo out; echo err >&2")
    with attached(subject, "stream=1&stderr=1") as client:
        start(subject)
        assert client.rest() == {2: b"err\n"}


def test_the_log_comes_first(subject: Subject) -> None:
    subject.create("sh", "-c", "echo before; read a; echo after", OpenStdin=True)
    start(subject)
    assert eventually(lambda: subject.logs() == "before\n")
    with attached(subject, f"{ALL}&logs=1") as client:
        assert client.frame() == (1, b"before\n")
        client.send(b"\n")
        assert client.rest() == {1: b"after\n"}


def test_a_terminal_is_raw(subject: Subject) -> None:
    subject.create("sh", "-c", "echo out; echo err >&2", Tty=True)
    with attached(subject) as client:
        start(subject)
        assert client.raw() == b"out\r\nerr\r\n"


def test_a_terminal_is_left_by_keys(subject: Subject) -> None:
    subject.create("cat", Tty=True, OpenStdin=True)
    with attached(subject) as client:
        start(subject)
        began = time.time_ns()
        client.send(b"a")
        assert client.raw(1) == b"a"
        client.send(b"\x10\x11")
        assert client.raw() == b""
    assert eventually(lambda: "container detach name=box" in subject.events(began))
    assert subject.state()["Running"]


@pytest.mark.parametrize("keys", ["ctrl-x,y", "q"])
def test_a_terminal_is_left_by_other_keys(subject: Subject, keys: str) -> None:
    subject.create("cat", Tty=True, OpenStdin=True)
    with attached(subject, f"{ALL}&detachKeys={keys}") as client:
        start(subject)
        client.send(b"\x18y" if keys == "ctrl-x,y" else b"q")
        assert client.raw() == b""
    assert subject.state()["Running"]


def test_keys_that_are_none(subject: Subject) -> None:
    subject.create("cat", Tty=True, OpenStdin=True)
    answer = subject.api("POST", f"/containers/box/attach?{ALL}&detachKeys=ctrl-nonsense")
    assert answer.status == 400
    assert b"Invalid detach keys (ctrl-nonsense) provided" in answer.body


def test_a_slow_client_gets_everything(subject: Subject) -> None:
    """It holds the container up, and misses nothing."""
    size = 8 * MIB
    subject.create("sh", "-c", f"yes {'x' * 1000} | head -c {size}; echo end >&2")
    with attached(subject) as client:
        start(subject)
        first = client.frame()
        assert first
        time.sleep(0.3)  # the container writes on, as far as it can
        assert subject.state()["Running"]
        rest = client.rest()
    assert len(first[1]) + len(rest[1]) == size
    assert rest[2] == b"end\n"


@pytest.mark.slow
def test_fifty_megabytes_over_attach_and_logs(ours: Subject) -> None:
    lines = 50 * MIB // 64
    ours.create("sh", "-c", f"yes {'0123456789abcdef' * 4} | cut -c1-63 | head -n {lines}")
    digest = ["sh", "-c", f"exec {' '.join(docker_logs(ours))} | sha256sum"]
    line = b"0123456789abcdef" * 4
    with attached(ours) as client:
        start(ours)
        size = 0
        while (piece := client.frame()) is not None:
            size += len(piece[1])
    assert size == lines * 64
    assert ours.wait() == {"StatusCode": 0}
    expected = subprocess.run(
        ["sha256sum"], input=(line[:63] + b"\n") * lines, capture_output=True, check=True
    )
    assert subprocess.run(digest, capture_output=True, check=True).stdout == expected.stdout
    assert_settles(ours.run_traces)


def docker_logs(subject: Subject) -> list[str]:
    return [str(docker_cli()), "--host", subject.host, "logs", "box"]
