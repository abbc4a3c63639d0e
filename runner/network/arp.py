"""ARP announcements (RFC 5227 section 2.3; libnetwork l2disco).

A container may get the address that another had a moment ago, with another MAC address. Whoever
remembers the old one would speak to nobody for seconds; told of the new one they do not.
"""

from __future__ import annotations

import socket
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.network import netns

if TYPE_CHECKING:
    from runner.network.interface import Interface

_ETHERTYPE_ARP: Final = 0x0806
_BROADCAST: Final = b"\xff" * 6
_FORWARDING: Final = "3"
"""BR_STATE_FORWARDING of linux/if_bridge.h."""
_LOOKS: Final = 100
_BETWEEN_LOOKS: Final = 0.005


def announce(key: Path, interface: Interface) -> None:
    """Tell everybody on the link of the interface's address, and stay in the sandbox at `key`.

    Blocks until the bridge lets packets through, which is soon. Raises OSError.
    """
    netns.enter(key)
    # Closing such a socket takes the kernel up to 30 ms: time that nobody should wait for.
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as link:
        link.bind((interface.name, 0))
        if interface.host_name:
            _await_forwarding(interface.host_name)
        mac_address = bytes.fromhex(interface.mac_address.replace(":", ""))
        for address in interface.addresses:
            if address.version == 4:
                link.send(announcement(mac_address, address.ip.packed))


def announcement(mac_address: bytes, address: bytes) -> bytes:
    """The frame: a request for the sender's own address."""
    ethernet = _BROADCAST + mac_address + struct.pack("!H", _ETHERTYPE_ARP)
    request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    return ethernet + request + mac_address + address + bytes(6) + address


def _await_forwarding(port: str) -> None:
    """A new port of a bridge is opened by the kernel in the background."""
    state = Path(f"/sys/class/net/{port}/brport/state")
    for _ in range(_LOOKS):
        if state.read_text().strip() == _FORWARDING:
            return
        time.sleep(_BETWEEN_LOOKS)
