"""Addresses for endpoints. Who has which is kept by whoever implements `AddressPool`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.network.ip import IPAddress


class AddressPool(Protocol):
    """Reserves addresses atomically; what it has said outlives the process."""

    async def reserve(
        self, network_id: str, candidates: Iterable[IPAddress], owner: str
    ) -> IPAddress | None:
        """The first of the candidates that is free, or None."""

    async def release(self, network_id: str, address: IPAddress) -> None:
        """Give an address back. Idempotent."""

    def owner(self, network_id: str, address: IPAddress) -> str:
        """Who has the address, or nobody."""


class MemoryAddressPool:
    """Addresses kept in memory: for networks that end with the process."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, IPAddress], str] = {}

    async def reserve(
        self, network_id: str, candidates: Iterable[IPAddress], owner: str
    ) -> IPAddress | None:
        """See AddressPool."""
        for address in candidates:
            if (network_id, address) not in self._owners:
                self._owners[network_id, address] = owner
                return address
        return None

    async def release(self, network_id: str, address: IPAddress) -> None:
        """See AddressPool."""
        self._owners.pop((network_id, address), None)

    def owner(self, network_id: str, address: IPAddress) -> str:
        """See AddressPool."""
        return self._owners.get((network_id, address), "")

    def owners(self) -> dict[IPAddress, str]:
        """Who has which address, over all networks."""
        return {address: owner for (_, address), owner in self._owners.items()}
