"""What removed containers have left behind, until it is swept up.

A container is removed for its client when its record has become a leftover, in one transaction:
the name is free and the rest of the removal cannot be forgotten any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.store.database import Database


class LeftoverTable:
    """Opaque records by container ID."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, container_id: str, record: bytes) -> None:
        """Remember. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO leftovers (container_id, record) VALUES (?, ?)",
                (container_id, record),
            )

    def delete(self, container_id: str) -> None:
        """Swept up. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM leftovers WHERE container_id = ?", (container_id,))

    def all(self) -> list[tuple[str, bytes]]:
        """Every container ID with what it left, by ID."""
        rows = self._database.connection.execute(
            "SELECT container_id, record FROM leftovers ORDER BY container_id"
        )
        return rows.fetchall()
