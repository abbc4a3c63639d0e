"""Connections: upgraded streams that are ill-treated, and HTTP that is none."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
from typing import TYPE_CHECKING, Final

from tests.support.http import request

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.faults.fuzzing.judge import Judge
    from tests.faults.fuzzing.seeds import Seeds

_HEADS: Final = (
    *(
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\0T / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01",
    ),
    b"GET " + b"/a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
    b"GET /_ping HTTP/1.1\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nBad Header\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\n: empty\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    b"GET /_ping HTTP/1.1\nHost: a\n\n",
    b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET //_ping HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /%zz?%zz HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\u00fc HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"),
    b"GET /_ping#x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"get /_ping HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /_ping HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
)
_POST: Final = b"POST /volumes/create HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
_BODIES: Final = (
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n{}\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
    b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
    b"Transfer-Encoding: xchunked\r\n\r\n{}",
    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    b"Content-Length: -1\r\n\r\n{}",
    b"Content-Length: +2\r\n\r\n{}",
    b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    b"Content-Length: 0x2\r\n\r\n{}",
    b"Content-Length: 1000\r\n\r\n{}",
    b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
)
_HIDDEN: Final = b"DELETE /volumes/seed-volume HTTP/1.1\r\nHost: a\r\n\r\n"
_SMUGGLED: Final = (
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n" % len(_HIDDEN) + _HIDDEN,
    b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + _HIDDEN,
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + _HIDDEN,
    b"X: y\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" + _HIDDEN,
    b"Content-Length: 2\r\nX\0: y\r\n\r\n{}" + _HIDDEN,
)
_READ: Final = 0.2
_ENDS: Final = 30.0
"""Seconds; busy machines are slow."""


def play_http(judge: Judge, dice: random.Random, count: int) -> None:
    """Bytes on a connection that are hardly HTTP."""
    for _ in range(count):
        what, data = _http(dice)
        judge.tally.parts["http"] += 1
        answer = _exchange(judge, data, dice)
        _note_status(judge, answer)
        judge.look(f"{what}: {data[:200]!r}")
        judge.alive(f"{what}: {data[:200]!r}")


def _http(dice: random.Random) -> tuple[str, bytes]:
    match dice.randrange(6):
        case 0:
            return "head", dice.choice(_HEADS)
        case 1:
            return "body", _POST + dice.choice(_BODIES)
        case 2:
            return "smuggling", _POST + dice.choice(_SMUGGLED)
        case 3:
            return "pipeline", b"GET /_ping HTTP/1.1\r\nHost: a\r\n\r\n" * dice.choice([2, 200])
        case 4:
            return "noise", dice.randbytes(dice.choice([1, 100, 70_000]))
        case _:
            data = bytearray(_POST + b"Content-Length: 2\r\n\r\n{}")
            for _ in range(dice.choice([1, 3])):
                data[dice.randrange(len(data))] = dice.randrange(256)
            return "flipped", bytes(data)


def _exchange(judge: Judge, data: bytes, dice: random.Random) -> bytes:
    """Send, in pieces or at once; read, or go away."""
    received = b""
    with _connection(judge, 10) as connection:
        if dice.random() < 0.2:
            for at in range(min(len(data), 60)):
                connection.sendall(data[at : at + 1])
            data = data[60:]
        connection.sendall(data)
        match dice.randrange(4):
            case 0:
                return b""
            case 1:
                connection.shutdown(socket.SHUT_WR)
                return _to_the_end(judge, connection, data)
            case _:
                pass
        connection.settimeout(_READ)
        while piece := connection.recv(65536):
            received += piece
    return received


def _to_the_end(judge: Judge, connection: socket.socket, data: bytes) -> bytes:
    """What comes for a client that has said all: an answer or none, but then the end."""
    received = b""
    connection.settimeout(_ENDS)
    try:
        while piece := connection.recv(65536):
            received += piece
    except TimeoutError as error:
        judge.fail("hang: a connection whose client has said all", repr(data[:200]), error)
    return received


@contextlib.contextmanager
def _connection(judge: Judge, timeout: float) -> Iterator[socket.socket]:
    """One to the engine, which may end it, or keep silent, when it likes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(str(judge.engine.socket))
        with contextlib.suppress(OSError):
            yield connection


def _note_status(judge: Judge, answer: bytes) -> None:
    status = int(answer[9:12]) if answer[:7] == b"HTTP/1." and answer[9:12].isdigit() else 0
    judge.tally.statuses[status] += 1
    if status >= 500:
        text = answer.rpartition(b"\r\n\r\n")[2][:200]
        judge.tally.internal[f"{status} on a raw connection: {text!r}"] += 1


def play_streams(judge: Judge, seeds: Seeds, dice: random.Random, count: int) -> None:
    """Attach, exec and logs, with a client that does not behave."""
    for number in range(count):
        if number % 20 == 19:
            seeds.plant()
        what, head = _upgrade(judge, seeds, dice)
        judge.tally.parts["streams"] += 1
        answer = _abuse(judge, head, dice)
        _note_status(judge, answer)
        judge.look(f"{what}: {head[:200]!r}")


def _upgrade(judge: Judge, seeds: Seeds, dice: random.Random) -> tuple[str, bytes]:
    container = seeds.pick("containers", dice).strip("/")
    upgrade = dice.choice([b"Connection: Upgrade\r\nUpgrade: tcp\r\n", b""])
    if dice.random() < 0.5:
        flags = "&".join(
            f"{name}={dice.choice('01')}"
            for name in ("stdin", "stdout", "stderr", "stream", "logs")
        )
        keys = dice.choice(["", "&detachKeys=a", "&detachKeys=ctrl-x,ctrl-y", "&detachKeys=%00"])
        line = f"POST /containers/{container}/attach?{flags}{keys} HTTP/1.1\r\nHost: a\r\n"
        return "attach", line.encode() + upgrade + b"Content-Length: 0\r\n\r\n"
    command = dice.choice(
        [["cat"], ["sh"], ["sh", "-c", "head -c 3000000 /dev/zero"], ["nope"], ["sleep", "1"]]
    )
    terminal = dice.random() < 0.3
    settings = {"Cmd": command, "Tty": terminal}
    settings |= {f"Attach{name}": dice.random() < 0.8 for name in ("Stdin", "Stdout", "Stderr")}
    made = request(judge.engine.socket, "POST", f"/containers/{container}/exec", settings)
    name = made.json()["Id"] if made.status == 201 else seeds.pick("exec", dice)
    body = json.dumps({"Detach": dice.random() < 0.1, "Tty": terminal}).encode()
    line = f"POST /exec/{name}/start HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    return "exec", line.encode() + upgrade + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _abuse(judge: Judge, head: bytes, dice: random.Random) -> bytes:
    received = b""
    with _connection(judge, 5) as connection:
        if dice.random() < 0.2:  # input beside the request, before it is answered
            head += dice.randbytes(dice.choice([1, 1000, 200_000]))
        connection.sendall(head)
        for _ in range(dice.randrange(4)):
            match dice.randrange(7):
                case 0:
                    connection.sendall(dice.randbytes(dice.choice([1, 100, 100_000])))
                case 1:  # frames, which only the other direction has
                    connection.sendall(struct.pack(">BxxxL", 1, 2**32 - 1) + b"x" * 50)
                case 2:
                    connection.shutdown(socket.SHUT_WR)
                case 3:  # a client that does not read
                    connection.settimeout(0.3)
                    with contextlib.suppress(TimeoutError):
                        for _ in range(50):
                            connection.sendall(bytes(100_000))
                case 4:
                    time.sleep(0.1)
                case 5:
                    connection.sendall(b"\x10\x11\x18\x19\x04\x03a\r\nexit\n")
                case _:
                    connection.settimeout(_READ)
                    received += connection.recv(65536)
        if dice.random() < 0.3:
            connection.shutdown(socket.SHUT_RDWR)
        elif dice.random() < 0.6:
            connection.settimeout(_READ)
            while len(received) < 1 << 20 and (piece := connection.recv(65536)):
                received += piece
    return received
