"""Bridge subnets for engines that run side by side on one machine."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import tempfile
from pathlib import Path
from typing import IO, Final, Self

from tests.support.workspace import ip

# The benchmarking range (RFC 2544): no real network, and no default pool of dockerd, uses it.
_POOL: Final = ipaddress.IPv4Network("198.18.0.0/15")


class Subnet:
    """A /24 that is this process's alone for as long as it is held."""

    def __init__(self, network: ipaddress.IPv4Network, hold: IO[str]) -> None:
        self.network = network
        self.gateway = ipaddress.IPv4Interface((int(network.network_address) + 1, 24))
        """The bridge's address with its prefix length: the value for `--bip`."""
        self._hold = hold

    @classmethod
    def reserve(cls) -> Self:
        """The first one that no interface of this host and no other test run has."""
        folder = Path(tempfile.gettempdir()) / "runner-test-subnets"
        folder.mkdir(exist_ok=True)
        used = used_networks()
        for number, network in enumerate(_POOL.subnets(new_prefix=24)):
            if any(network.overlaps(other) for other in used):
                continue
            hold = (folder / str(number)).open("w")
            try:
                fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                hold.close()
            else:
                return cls(network, hold)
        raise OSError("every test subnet is in use")

    def release(self) -> None:
        """Let others have it. Idempotent."""
        self._hold.close()


def make_bridge(name: str, gateway: ipaddress.IPv4Interface) -> None:
    """Make a bridge with an address."""
    ip("link", "add", name, "type", "bridge")
    ip("address", "add", gateway.with_prefixlen, "dev", name)
    ip("link", "set", name, "up")


def used_networks() -> list[ipaddress.IPv4Network]:
    """The networks of this host's interfaces."""
    links = json.loads(ip("-json", "-4", "address", "show") or "[]")
    return [
        ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}").network
        for link in links
        for address in link.get("addr_info", [])
    ]
