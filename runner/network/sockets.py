"""Host ports held by a bound socket, so that no other program takes them
(libnetwork portallocator OSAllocator)."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from typing import TYPE_CHECKING, Final

from runner.linux.libc import error_text
from runner.network.ports import PROTOCOLS
from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.network.ip import IPAddress

_SO_ATTACH_FILTER: Final = 26
_SO_DETACH_FILTER: Final = 27
_BPF_RETURN: Final = 0x06
_IPV6_RECVPKTINFO: Final = 49


def hold(
    addresses: Sequence[IPAddress], protocol: str, port: int, target: str
) -> list[socket.socket]:
    """Bind the port on all of `addresses`. What arrives is dropped: firewall rules bring it to the
    container before it comes here.

    Raises System when another program has it; `target`, what it was to lead to, is said then.
    """
    with contextlib.ExitStack() as undo:
        held = [undo.enter_context(_hold(address, protocol, port, target)) for address in addresses]
        undo.pop_all()
    return held


def _hold(address: IPAddress, protocol: str, port: int, target: str) -> socket.socket:
    shown = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    try:
        held = _make_socket(address, protocol)
    except OSError as err:
        raise System(f"failed to create socket for {shown}/{protocol}: {error_text(err)}") from err
    try:
        held.bind((str(address), port))
        if protocol != "udp":
            held.listen(socket.SOMAXCONN)
    except OSError as err:
        held.close()
        raise System(
            f"failed to bind host port for {shown}:{target}/{protocol}: {error_text(err)}"
        ) from err
    return held


def _make_socket(address: IPAddress, protocol: str) -> socket.socket:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    made = socket.socket(family, kind | socket.SOCK_CLOEXEC, PROTOCOLS[protocol])
    try:
        made.setblocking(False)
        _drop_everything(made)
        if protocol == "tcp":  # connections in TIME_WAIT are in nobody's way
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if protocol == "udp":  # answers come from the address that was asked
                made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    except BaseException:
        made.close()
        raise
    return made


def _drop_everything(made: socket.socket) -> None:
    """A filter program of one instruction: return 0, "take none of the packet" (socket(7))."""
    instruction = ctypes.create_string_buffer(struct.pack("=HBBI", _BPF_RETURN, 0, 0, 0), 8)
    program = struct.pack("@HP", 1, ctypes.addressof(instruction))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def let_in(held: socket.socket) -> None:
    """From now on the socket gets what arrives."""
    held.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def host_has_ipv6() -> bool:
    """Whether one can listen on IPv6 here (netutils IsV6Listenable)."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True
