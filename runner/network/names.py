"""The names of containers on user-defined networks (libnetwork service records). No I/O."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.network.ip import IPAddress
    from runner.network.records import Endpoint


class NameTable:
    """Who is called what, by network."""

    def __init__(self) -> None:
        self._by_name: defaultdict[str, dict[str, dict[str, Endpoint]]] = defaultdict(dict)
        self._by_address: defaultdict[str, dict[str, Endpoint]] = defaultdict(dict)

    def add(self, endpoint: Endpoint) -> None:
        """From now on the endpoint is found by its names. Idempotent."""
        for name in endpoint.names:
            found = self._by_name[endpoint.network_id].setdefault(name.lower(), {})
            found[endpoint.id] = endpoint
        if endpoint.names:
            for address in endpoint.addresses:
                self._by_address[endpoint.network_id][address] = endpoint

    def remove(self, endpoint: Endpoint) -> None:
        """The endpoint is found no longer. Idempotent."""
        names = self._by_name[endpoint.network_id]
        for name in endpoint.names:
            found = names.get(name.lower(), {})
            found.pop(endpoint.id, None)
            if not found:
                names.pop(name.lower(), None)
        known = self._by_address[endpoint.network_id]
        for address in endpoint.addresses:
            if address in known and known[address].id == endpoint.id:
                del known[address]

    def resolve(self, endpoints: Sequence[Endpoint], name: str) -> list[IPAddress] | None:
        """The addresses of whoever is called so on one of the endpoints' networks; None when nobody
        is (Sandbox.ResolveName).

        `NAME.NETWORK` asks on one network only, and both may contain dots. An endpoint's links come
        before names, and hide them.
        """
        for wanted, network in _splits(name.removesuffix(".").lower()):
            on = [endpoint for endpoint in endpoints if network in ("", endpoint.network.lower())]
            linked = [(one, _links(one)[wanted]) for one in on if wanted in _links(one)]
            named = [(one, wanted) for one in on if wanted not in _links(one)]
            for endpoint, called in (*linked, *named):
                if (found := self._lookup(endpoint.network_id, called)) is not None:
                    return found
        return None

    def name_of(self, endpoints: Iterable[Endpoint], address: IPAddress) -> str:
        """The first name, with its network's, of whoever has the address on one of the endpoints'
        networks; empty for nobody (Sandbox.ResolveIP)."""
        for endpoint in endpoints:
            if found := self._by_address[endpoint.network_id].get(str(address)):
                return f"{found.names[0]}.{found.network}"
        return ""

    def _lookup(self, network_id: str, name: str) -> list[IPAddress] | None:
        found = self._by_name[network_id].get(name.lower())
        if not found:
            return None
        texts = [address for endpoint in found.values() for address in endpoint.addresses]
        return [ip_address(text) for text in dict.fromkeys(texts)]


def _links(endpoint: Endpoint) -> dict[str, str]:
    return {alias.lower(): name for alias, name in endpoint.links}


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """The ways to read a name: whole, and as a name on a network, the shortest network first."""
    yield name, ""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        yield ".".join(parts[:length]), ".".join(parts[length:])
