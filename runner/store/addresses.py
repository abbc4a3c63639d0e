"""IP addresses in use, reserved atomically (libnetwork's IPAM)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.types.errors import Conflict, InvalidParameter

if TYPE_CHECKING:
    import sqlite3
    from ipaddress import IPv4Address, IPv4Network

    from runner.store.database import Database


class AddressTable:
    """Who has which address on which network.

    The lowest free address is handed out, as libnetwork's allocator does for bridges.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self,
        network_id: str,
        subnet: IPv4Network,
        owner: str,
        preferred: IPv4Address | None = None,
    ) -> IPv4Address:
        """Reserve an address for `owner`.

        Raises Conflict when `preferred` is in use and InvalidParameter when it is not in the
        subnet; Conflict when no address is left.
        """
        with self._database.transaction() as connection:
            if preferred is not None:
                return self._reserve_preferred(connection, network_id, subnet, owner, preferred)
            used = self._used(connection, network_id)
            for address in subnet.hosts():
                if str(address) not in used:
                    self._insert(connection, network_id, address, owner)
                    return address
        raise Conflict(f"no available IPv4 addresses on this network's address pools: {network_id}")

    async def release(self, network_id: str, address: IPv4Address) -> None:
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

    def owners(self) -> set[str]:
        """Everybody who has an address."""
        rows = self._database.connection.execute("SELECT DISTINCT owner FROM addresses")
        return {owner for (owner,) in rows}

    def _reserve_preferred(
        self,
        connection: sqlite3.Connection,
        network_id: str,
        subnet: IPv4Network,
        owner: str,
        preferred: IPv4Address,
    ) -> IPv4Address:
        if preferred not in subnet:
            raise InvalidParameter(f"no configured subnet contains IP address {preferred}")
        if not self._insert(connection, network_id, preferred, owner):
            raise Conflict("Address already in use")
        return preferred

    @staticmethod
    def _used(connection: sqlite3.Connection, network_id: str) -> set[str]:
        rows = connection.execute(
            "SELECT address FROM addresses WHERE network_id = ?", (network_id,)
        )
        return {address for (address,) in rows}

    @staticmethod
    def _insert(
        connection: sqlite3.Connection, network_id: str, address: IPv4Address, owner: str
    ) -> bool:
        inserted = connection.execute(
            "INSERT OR IGNORE INTO addresses (network_id, address, owner) VALUES (?, ?, ?)",
            (network_id, str(address), owner),
        )
        return inserted.rowcount == 1
