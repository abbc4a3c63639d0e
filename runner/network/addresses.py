"""Addresses for endpoints. Who has which is kept by whoever implements `AddressPool`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.types.errors import Conflict, InvalidParameter

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network


class AddressPool(Protocol):
    """Reserves addresses atomically; what it has said outlives the process."""

    async def reserve(
        self,
        network_id: str,
        subnet: IPv4Network,
        owner: str,
        preferred: IPv4Address | None = None,
    ) -> IPv4Address:
        """The preferred address, or else the lowest free one.

        Raises Conflict when it is taken or none is left, InvalidParameter when it is not of the
        subnet.
        """

    async def release(self, network_id: str, address: IPv4Address) -> None:
        """Give an address back. Idempotent."""


class MemoryAddressPool:
    """Addresses kept in memory: for networks that end with the process."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, IPv4Address], str] = {}

    async def reserve(
        self,
        network_id: str,
        subnet: IPv4Network,
        owner: str,
        preferred: IPv4Address | None = None,
    ) -> IPv4Address:
        """See AddressPool."""
        if preferred is not None and preferred not in subnet:
            raise InvalidParameter(f"no configured subnet contains IP address {preferred}")
        for address in subnet.hosts() if preferred is None else (preferred,):
            if (network_id, address) not in self._owners:
                self._owners[network_id, address] = owner
                return address
        if preferred is not None:
            raise Conflict("Address already in use")
        raise Conflict(f"no available IPv4 addresses on this network's address pools: {network_id}")

    async def release(self, network_id: str, address: IPv4Address) -> None:
        """See AddressPool."""
        self._owners.pop((network_id, address), None)

    def owners(self) -> dict[IPv4Address, str]:
        """Who has which address, over all networks."""
        return {address: owner for (_, address), owner in self._owners.items()}
