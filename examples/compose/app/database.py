"""The database, by the name and password that compose gives."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor

PASSWORD = Path("/run/secrets/db_password")
SHOP = "host=database user=shop dbname=postgres"


@contextmanager
def transaction() -> Iterator[cursor]:
    """A transaction on a connection of its own, as the shop's user."""
    connection = psycopg2.connect(SHOP, password=PASSWORD.read_text().strip())
    with closing(connection), connection, connection.cursor() as statements:
        yield statements
