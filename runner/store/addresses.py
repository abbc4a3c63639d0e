"""IP addresses in use, reserved atomically (libnetwork's IPAM)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv6Address

    from runner.store.database import Database


class AddressTable:
    """Who has which address on which network."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self,
        network_id: str,
        candidates: Iterable[IPv4Address | IPv6Address],
        owner: str,
    ) -> IPv4Address | IPv6Address | None:
        """Reserve the first of the candidates that is free for `owner`; None if none is."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT address FROM addresses WHERE network_id = ?", (network_id,)
            )
            used = {address for (address,) in rows}
            for address in candidates:
                if str(address) not in used:
                    connection.execute(
                        "INSERT INTO addresses (network_id, address, owner) VALUES (?, ?, ?)",
                        (network_id, str(address), owner),
                    )
                    return address
        return None

    async def release(self, network_id: str, address: IPv4Address | IPv6Address) -> None:
        """Give the address back. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM addresses WHERE network_id = ? AND address = ?",
                (network_id, str(address)),
            )

    def release_all(self, owner: str) -> None:
        """Give back every address of `owner`. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM addresses WHERE owner = ?", (owner,))

    def owner(self, network_id: str, address: IPv4Address | IPv6Address) -> str:
        """Who has the address, or nobody."""
        row = self._database.connection.execute(
            "SELECT owner FROM addresses WHERE network_id = ? AND address = ?",
            (network_id, str(address)),
        ).fetchone()
        return row[0] if row else ""

    def owners(self) -> set[str]:
        """Everybody who has an address."""
        rows = self._database.connection.execute("SELECT DISTINCT owner FROM addresses")
        return {owner for (owner,) in rows}
