"""A process that does nothing but hold descriptors open for another one that may die.

    python -I -S fd_keeper.py SOCKET

The bytes in a FIFO vanish when nobody has it open any more. A container that ends while no engine
runs has its shim close the FIFOs at once, so somebody else must hold them for the next engine.

Its only client sends one message a command on a SOCK_SEQPACKET socket:

    hold KEY     with descriptors: keep them, in place of what is kept under the key
    drop KEY     close them
    keys         answered by the keys in use, a line each
    end          exit if nothing is kept

It starts in a few milliseconds and is small because it imports next to nothing.
"""

import array
import contextlib
import os
import socket
import sys

_MESSAGE = 65536
_FDS = 16


def main(path: str) -> None:
    """Serve at `path` until told to end."""
    os.chdir("/")
    os.umask(0o177)  # the socket is root's alone
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen(1)
        _serve(listening, {})
    os.unlink(path)  # noqa: PTH108 - pathlib is not worth its import here


def _serve(listening: socket.socket, held: dict[bytes, list[int]]) -> None:
    """One client after the other: the next one comes when this one has died."""
    while True:
        client, _ = listening.accept()
        with client, contextlib.suppress(ConnectionError):
            while request := _receive(client):
                command, key, fds = request
                if command == b"end" and not held:
                    return
                _obey(client, held, command, key, fds)


def _obey(
    client: socket.socket,
    held: dict[bytes, list[int]],
    command: bytes,
    key: bytes,
    fds: list[int],
) -> None:
    if command == b"keys":
        client.send(b"\n".join(sorted(held)) + b"\n")
    if command in (b"hold", b"drop"):
        for fd in held.pop(key, ()):
            os.close(fd)
    if command == b"hold":
        held[key] = fds


def _receive(client: socket.socket) -> tuple[bytes, bytes, list[int]] | None:
    """The next command with its descriptors, None when the client has gone."""
    fds = array.array("i")
    message, ancillary, _, _ = client.recvmsg(_MESSAGE, socket.CMSG_SPACE(_FDS * fds.itemsize))
    for _, _, data in ancillary:
        fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    command, _, key = message.partition(b" ")
    return (command, key, list(fds)) if message else None


if __name__ == "__main__":
    main(sys.argv[1])
