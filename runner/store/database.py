"""One SQLite connection, one writer, a schema with a version."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING

from runner.types.errors import Conflict, NoSpace, System

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    record BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE addresses (
    network_id TEXT NOT NULL,
    address TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (network_id, address)
) WITHOUT ROWID;
CREATE TABLE leftovers (
    container_id TEXT PRIMARY KEY,
    record BLOB NOT NULL
) WITHOUT ROWID;
"""


class Database:
    """The connection. Calls are made on the event loop: a commit costs about 0.1 ms.

    WAL with synchronous=NORMAL writes to the page cache at commit and to the disk at checkpoints:
    the death of the engine loses nothing, the death of the machine at most the last commits, and
    then the containers of those commits are gone as well.
    """

    def __init__(self, path: Path) -> None:
        """Open, or make, the database. Raises Conflict when another engine has it open."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o710)
        self._path = path
        self._lock = _lock_exclusively(path.with_suffix(".lock"))
        try:
            self.connection = sqlite3.connect(path, isolation_level=None)
            path.chmod(0o600)
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self._migrate()
        except sqlite3.DatabaseError as err:
            os.close(self._lock)
            raise System(f"cannot open the engine's database {path}: {err}") from err

    def _migrate(self) -> None:
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise System(
                f"the engine's database has schema {version}, this runner knows up to "
                f"{SCHEMA_VERSION}: it was written by a newer runner, start that one"
            )
        if version == 0:
            self.connection.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; joins a transaction that is already open.

        Raises System when it cannot be written, NoSpace when that is for want of space.
        """
        if self.connection.in_transaction:
            yield self.connection
            return
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection
            self.connection.execute("COMMIT")
        except sqlite3.OperationalError as err:
            self._roll_back()
            raise self._cannot_write(err) from err
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """SQLite may have done so itself."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _cannot_write(self, err: sqlite3.OperationalError) -> System:
        what = f"cannot write the engine's database {self._path}"
        if err.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return NoSpace(f"{what}: no space left on device")
        return System(f"{what}: {err}")

    def close(self) -> None:
        """Close the file and let another engine have it. Safe to call twice."""
        self.connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _lock_exclusively(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        os.close(descriptor)
        raise Conflict(
            f"another engine is using {path.parent}: stop it, or choose another --data-root"
        ) from err
    return descriptor
