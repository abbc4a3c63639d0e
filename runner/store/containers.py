"""Container records by ID, with their unique names."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from runner.types.errors import AlreadyExists

if TYPE_CHECKING:
    from runner.store.database import Database


class ContainerTable:
    """Opaque records; the engine knows what is in them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, container_id: str, name: str, record: bytes) -> None:
        """Insert or replace. Raises AlreadyExists when another container has the name."""
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO containers (id, name, record) VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET name=excluded.name, record=excluded.record",
                    (container_id, name, record),
                )
        except sqlite3.IntegrityError as err:
            raise AlreadyExists(f"the container name {name!r} is taken") from err

    def delete(self, container_id: str) -> None:
        """Forget the record. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM containers WHERE id = ?", (container_id,))

    def all(self) -> list[tuple[str, bytes]]:
        """Every ID with its record, by ID."""
        rows = self._database.connection.execute("SELECT id, record FROM containers ORDER BY id")
        return rows.fetchall()
