"""Netlink, spoken over a plain socket (RFC 3549, linux/netlink.h).

The engine needs a dozen kinds of message. pyroute2 brings them all, but importing any part of it
takes 180 ms, longer than starting a container, and its sockets fork or run event loops of their
own. What is left when only encoding is wanted is small enough to stand here.

A socket belongs to the network namespace of the thread that made it, for good, and may then be used
from any thread.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_REPLACE: Final = 0x100
NLM_F_DUMP: Final = 0x300
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400

_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_SOL_NETLINK: Final = 270
_NETLINK_CAP_ACK: Final = 10
_HEADER: Final = struct.Struct("=IHHII")
_ATTRIBUTE: Final = struct.Struct("=HH")
_KIND_MASK: Final = 0x3FFF
"""An attribute's kind without its flags "nested" and "network byte order"."""
_BUFFER: Final = 1 << 17
_TIMEOUT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """A request: its type (RTM_…), its flags beside NLM_F_REQUEST, the family's header and
    attributes."""

    kind: int
    flags: int
    payload: bytes


def attribute(kind: int, *values: bytes) -> bytes:
    """One attribute; with several values a nested one."""
    value = b"".join(values)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def text(kind: int, value: str) -> bytes:
    """A string attribute."""
    return attribute(kind, value.encode() + b"\0")


def u16(kind: int, value: int) -> bytes:
    """A short number in the host's byte order."""
    return attribute(kind, struct.pack("=H", value))


def u32(kind: int, value: int) -> bytes:
    """A number in the host's byte order."""
    return attribute(kind, struct.pack("=I", value))


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes that `data` consists of; of equal ones the last."""
    return dict(_attributes(data))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, position)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _KIND_MASK, data[position + _ATTRIBUTE.size : position + length]
        position += (length + 3) & ~3


class Netlink:
    """A socket in the calling thread's network namespace. Every call raises OSError.

    Safe to use from several threads; the calls take turns.
    """

    def __init__(self, protocol: int = socket.NETLINK_ROUTE) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol
        )
        self._socket.settimeout(_TIMEOUT)
        # Errors come without the request that caused them: a batch of them fits the buffer.
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()

    def execute(self, *messages: Message) -> None:
        """Have the kernel do all of `messages`, in order, handed over at once.

        The kernel goes on after one that fails; the first error is raised.
        """
        if not messages:
            return
        with self._turn:
            pending = self._send(messages, NLM_F_ACK)
            errors: dict[int, int] = {}
            while pending:
                for kind, number, payload in self._receive():
                    if kind == _NLMSG_ERROR and number in pending:
                        pending.remove(number)
                        errors[number] = -struct.unpack_from("=i", payload)[0]
        for _, code in sorted(errors.items()):
            if code:
                raise OSError(code, os.strerror(code))

    def ask(self, message: Message) -> bytes:
        """The kernel's one answer."""
        with self._turn:
            (expected,) = self._send((message,), 0)
            while True:
                for kind, number, payload in self._receive():
                    if number != expected:
                        continue
                    if kind == _NLMSG_ERROR:
                        code = -struct.unpack_from("=i", payload)[0]
                        raise OSError(code, os.strerror(code))
                    return payload

    def dump(self, message: Message) -> list[bytes]:
        """All objects of a kind."""
        found: list[bytes] = []
        with self._turn:
            (expected,) = self._send((message,), NLM_F_DUMP)
            while True:
                for kind, number, payload in self._receive():
                    if number != expected:
                        continue
                    if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                        code = -struct.unpack_from("=i", payload)[0] if payload else 0
                        if code:
                            raise OSError(code, os.strerror(code))
                        return found
                    found.append(payload)

    def close(self) -> None:
        """Close the socket. Safe to call twice."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, messages: tuple[Message, ...], flags: int) -> set[int]:
        numbers: set[int] = set()
        parts: list[bytes] = []
        for message in messages:
            number = next(self._numbers) & 0xFFFFFFFF
            numbers.add(number)
            length = _HEADER.size + len(message.payload)
            flag_bits = NLM_F_REQUEST | flags | message.flags
            parts.append(_HEADER.pack(length, message.kind, flag_bits, number, 0))
            parts.append(message.payload + bytes(-length % 4))
        self._socket.send(b"".join(parts))
        return numbers

    def _receive(self) -> Iterator[tuple[int, int, bytes]]:
        data = self._socket.recv(_BUFFER)
        position = 0
        while position + _HEADER.size <= len(data):
            length, kind, _, number, _ = _HEADER.unpack_from(data, position)
            yield kind, number, data[position + _HEADER.size : position + length]
            position += (length + 3) & ~3
