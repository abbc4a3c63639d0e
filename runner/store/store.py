"""The tables together, and the changes that span them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runner.store.addresses import AddressTable
from runner.store.containers import ContainerTable
from runner.store.database import Database
from runner.store.leftovers import LeftoverTable
from runner.store.networks import NetworkTable
from runner.store.reserve import Reserve
from runner.types.errors import NoSpace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Store:
    """The engine's database at `path`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self._reserve = Reserve(path.with_suffix(".reserve"))
        self._reserve.fill()
        self.containers = ContainerTable(self._database)
        self.networks = NetworkTable(self._database)
        self.addresses = AddressTable(self._database)
        self.leftovers = LeftoverTable(self._database)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is changed inside is committed together or not at all."""
        with self._database.transaction():
            yield

    def retire(self, container_id: str, leftover: bytes) -> None:
        """The container's record becomes a leftover; on a full disk with what is kept for that.

        Raises System.
        """
        try:
            self._retire(container_id, leftover)
        except NoSpace:
            self._reserve.spend()
            self._retire(container_id, leftover)

    def _retire(self, container_id: str, leftover: bytes) -> None:
        with self.transaction():
            self.containers.delete(container_id)
            self.leftovers.add(container_id, leftover)

    def discard(self, leftover_id: str) -> None:
        """All that was left of a container is gone. Raises System."""
        self.leftovers.delete(leftover_id)
        self._reserve.fill()

    def close(self) -> None:
        """Close the database. Safe to call twice."""
        self._database.close()
