"""Network records by ID."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.store.database import Database


class NetworkTable:
    """Opaque records; the engine knows what is in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, network_id: str, name: str, record: bytes) -> None:
        """Insert or replace."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO networks (id, name, record) VALUES (?, ?, ?)",
                (network_id, name, record),
            )

    def delete(self, network_id: str) -> None:
        """Forget the network. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM networks WHERE id = ?", (network_id,))

    def by_name(self, name: str) -> tuple[str, bytes] | None:
        """ID and record of the network called `name`."""
        row: tuple[str, bytes] | None = self._database.connection.execute(
            "SELECT id, record FROM networks WHERE name = ? ORDER BY id", (name,)
        ).fetchone()
        return row

    def all(self) -> list[tuple[str, bytes]]:
        """Every ID with its record, by ID."""
        rows = self._database.connection.execute("SELECT id, record FROM networks ORDER BY id")
        return rows.fetchall()
