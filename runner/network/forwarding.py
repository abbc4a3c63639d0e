"""IPv4 forwarding by the host, without which no container reaches anything
(libnetwork bridge setup_ip_forwarding.go)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.types.errors import System

if TYPE_CHECKING:
    from runner.network.iptables import IPTables

_SETTING: Final = Path("/proc/sys/net/ipv4/ip_forward")
_CONF6: Final = Path("/proc/sys/net/ipv6/conf")
_DROP: Final = "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"


def enable_forwarding(iptables: IPTables, *, drop: bool) -> bool:
    """Let the host pass packets on from one interface to another; nothing to do if it does.

    A host that did not is no router and does not become one: with `drop` it passes on only what a
    rule accepts; whether that is so now. Raises OSError, System; then the host is as before.
    Blocks.
    """
    if _SETTING.read_text().strip() == "1":
        return False
    _SETTING.write_text("1\n")
    if drop:
        try:
            drop_by_default(iptables)
        except System:
            _SETTING.write_text("0\n")
            raise
    return drop


def drop_by_default(iptables: IPTables) -> None:
    """Have the host pass on only what a rule accepts. Raises System. Blocks."""
    iptables.restore(_DROP)


def enable_forwarding6() -> None:
    """The same for IPv6, for the first network that has it. Raises OSError. Blocks.

    A router does not listen to other routers' advertisements: where the host got its own addresses
    and routes by them, it is told to go on listening.
    """
    setting = _CONF6 / "all" / "forwarding"
    if setting.read_text().strip() == "1":
        return
    for accepts in _CONF6.glob("*/accept_ra"):
        if accepts.read_text().strip() == "1":
            accepts.write_text("2\n")
    setting.write_text("1\n")
