"""Which host ports are given away, as far as we know (libnetwork portallocator). No I/O but for
reading the kernel's settings."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.network.ports import ANY4, ANY6
from runner.types.errors import System

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.network.ip import IPAddress

_SETTINGS: Final = Path("/proc/sys/net/ipv4")
_DEFAULT_RANGE: Final = (49153, 65535)


class PortTaken(System):
    """Another container has the port."""


class AllPortsAllocated(System):
    """Every port of the range is given away."""


@dataclass(slots=True)
class _Table:
    """The ports of one protocol on one address; `last` is where the search of a range goes on."""

    taken: set[int] = field(default_factory=set)
    last: dict[tuple[int, int], int] = field(default_factory=dict)


class PortAllocator:
    """The ports of all containers. `dynamic` is the range for ports that nobody chose, `reserved`
    what of it the kernel keeps for others."""

    def __init__(
        self, dynamic: tuple[int, int] = _DEFAULT_RANGE, reserved: frozenset[int] = frozenset()
    ) -> None:
        self._dynamic = dynamic
        self._reserved = reserved
        self._tables: defaultdict[tuple[IPAddress, str], _Table] = defaultdict(_Table)

    def request(self, addresses: Sequence[IPAddress], protocol: str, start: int, end: int) -> int:
        """Give away one port of the range on all of `addresses`; 0 to 0 is the dynamic range.

        A range is searched from where the last search for it ended. Raises PortTaken when the range
        is one port, else AllPortsAllocated.
        """
        wanted = [self._tables[address, protocol] for address in addresses]
        if start and start == end:
            self._check(addresses, protocol, start)
            port = start
        else:
            port = self._search(addresses, protocol, start, end)
        for table in wanted:
            table.taken.add(port)
            table.last[start, end] = port
        return port

    def release(self, addresses: Sequence[IPAddress], protocol: str, port: int) -> None:
        """Take a port back. Idempotent."""
        for address in addresses:
            self._tables[address, protocol].taken.discard(port)

    def _check(self, addresses: Sequence[IPAddress], protocol: str, port: int) -> None:
        for address in self._conflicting(addresses, protocol):
            if port in self._tables[address, protocol].taken:
                raise PortTaken(f"Bind for {address}:{port} failed: port is already allocated")

    def _search(self, addresses: Sequence[IPAddress], protocol: str, start: int, end: int) -> int:
        tables = [self._tables[a, protocol] for a in self._conflicting(addresses, protocol)]
        skipped = self._reserved if not start else frozenset[int]()
        first, final = (start, end) if start else self._dynamic
        last = self._tables[addresses[0], protocol].last.get((start, end), final)
        for port in itertools.chain(range(last + 1, final + 1), range(first, last + 1)):
            if port not in skipped and not any(port in table.taken for table in tables):
                return port
        raise AllPortsAllocated("all ports are allocated")

    def _conflicting(self, addresses: Sequence[IPAddress], protocol: str) -> list[IPAddress]:
        """The addresses on which the port must be free too: an unspecified one stands for all of
        its family."""
        found = dict.fromkeys(addresses)
        for unspecified in (ANY4, ANY6):
            if unspecified in found:
                found |= dict.fromkeys(
                    address
                    for address, known in list(self._tables)
                    if known == protocol and address.version == unspecified.version
                )
            elif any(address.version == unspecified.version for address in addresses):
                found[unspecified] = None
        return list(found)


def read_port_settings() -> tuple[tuple[int, int], frozenset[int]]:
    """The kernel's range for dynamic ports, and the ports in it that it leaves alone."""
    try:
        first, last = map(int, (_SETTINGS / "ip_local_port_range").read_text().split())
        reserved = (_SETTINGS / "ip_local_reserved_ports").read_text().strip()
    except (OSError, ValueError):
        return _DEFAULT_RANGE, frozenset()
    return (first, last), frozenset(_expand(reserved))


def _expand(ranges: str) -> list[int]:
    ports: list[int] = []
    for part in filter(None, ranges.split(",")):
        first, _, last = part.partition("-")
        ports.extend(range(int(first), int(last or first) + 1))
    return ports
