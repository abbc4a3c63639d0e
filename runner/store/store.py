"""The tables together, and the changes that span them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from runner.store.addresses import AddressTable
from runner.store.containers import ContainerTable
from runner.store.database import Database
from runner.store.leftovers import LeftoverTable
from runner.store.networks import NetworkTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Store:
    """The engine's database at `path`."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)
        self.containers = ContainerTable(self._database)
        self.networks = NetworkTable(self._database)
        self.addresses = AddressTable(self._database)
        self.leftovers = LeftoverTable(self._database)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """What is changed inside is committed together or not at all."""
        with self._database.transaction():
            yield

    def close(self) -> None:
        """Close the database. Safe to call twice."""
        self._database.close()
