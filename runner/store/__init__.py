"""The engine's own durable state, in one SQLite file.

Containers, their names, addresses, networks and leftovers. Whatever the engine acknowledges is
committed here first, so that kill -9 loses nothing that a client was told.
"""

from runner.store.addresses import AddressTable
from runner.store.containers import ContainerTable
from runner.store.database import Database
from runner.store.leftovers import LeftoverTable
from runner.store.networks import NetworkTable
from runner.store.store import Store

__all__ = [
    "AddressTable",
    "ContainerTable",
    "Database",
    "LeftoverTable",
    "NetworkTable",
    "Store",
]
