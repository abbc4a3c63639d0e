"""Bridge subnets for engines that run side by side on one machine."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import json
from typing import TYPE_CHECKING, Final

from tests.support.workspace import ip

if TYPE_CHECKING:
    from collections.abc import Iterator

# The benchmarking range (RFC 2544): no real network, and no default pool of dockerd, uses it.
_POOL: Final = ipaddress.ip_network("198.18.0.0/15")
_LOCK: Final = "/tmp/runner-test-subnets.lock"


def make_bridge(name: str) -> ipaddress.IPv4Interface:
    """Make a bridge with the first free /24; its address (that of the gateway) is returned."""
    with _locked():
        gateway = free_gateway()
        ip("link", "add", name, "type", "bridge")
        ip("address", "add", gateway.with_prefixlen, "dev", name)
        ip("link", "set", name, "up")
    return gateway


def free_gateway(taken: frozenset[ipaddress.IPv4Network] = frozenset()) -> ipaddress.IPv4Interface:
    """The first address of a /24 that no interface and no route of this host uses."""
    used = [*used_networks(), *taken]
    for network in _POOL.subnets(new_prefix=24):
        if not any(network.overlaps(other) for other in used):
            return ipaddress.IPv4Interface((int(network.network_address) + 1, 24))
    raise OSError("every test subnet is in use")


def used_networks() -> list[ipaddress.IPv4Network]:
    """The networks of this host's interfaces."""
    links = json.loads(ip("-json", "-4", "address", "show") or "[]")
    return [
        ipaddress.IPv4Interface(f"{address['local']}/{address['prefixlen']}").network
        for link in links
        for address in link.get("addr_info", [])
    ]


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    with open(_LOCK, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
