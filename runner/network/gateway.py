"""Which of a sandbox's endpoints leads outside (libnetwork Endpoint.Less, selectGatewayEndpoint).
No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.network.records import Endpoint


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is looked at of an endpoint; `leads4` and `leads6` tell whether it has a way outside."""

    id: str
    network: str
    priority: int
    internal: bool
    leads4: bool
    leads6: bool

    @classmethod
    def of(cls, endpoint: Endpoint) -> Candidate:
        """An endpoint that is there."""
        return cls(
            id=endpoint.id,
            network=endpoint.network,
            priority=endpoint.priority,
            internal=endpoint.internal,
            leads4=bool(endpoint.gateway or (endpoint.link_route and endpoint.address)),
            leads6=bool(endpoint.gateway6 or (endpoint.link_route and endpoint.address6)),
        )

    def _key(self) -> tuple[int, bool, int, str]:
        return (-self.priority, self.internal, -(self.leads4 + self.leads6), self.network)


def select(candidates: Iterable[Candidate]) -> tuple[str, str]:
    """The IDs of those that lead outside by IPv4 and by IPv6, empty for none: the one with the
    highest priority, one that is not internal, one that leads in both ways, the first by name."""
    found4 = found6 = ""
    for candidate in sorted(candidates, key=Candidate._key):
        if candidate.leads4 and not found4:
            found4 = candidate.id
        if candidate.leads6 and not found6:
            found6 = candidate.id
    return found4, found6


@dataclass(frozen=True, slots=True)
class Gateways:
    """The endpoints that lead outside."""

    ipv4: Endpoint | None = None
    ipv6: Endpoint | None = None

    @classmethod
    def of(cls, endpoints: Sequence[Endpoint]) -> Gateways:
        """Those among the endpoints of a sandbox."""
        by_id = {endpoint.id: endpoint for endpoint in endpoints}
        found4, found6 = select(map(Candidate.of, endpoints))
        return cls(by_id.get(found4), by_id.get(found6))

    def families(self, endpoint: Endpoint) -> tuple[int, ...]:
        """The families of host addresses that the endpoint has ports published for.

        IPv6 ones lead to an endpoint that has IPv4 only, as long as no other leads outside by IPv6.
        """
        is4 = self.ipv4 is not None and endpoint.id == self.ipv4.id
        is6 = self.ipv6 is not None and endpoint.id == self.ipv6.id
        return (4,) * is4 + (6,) * (is6 or (is4 and self.ipv6 is None))
