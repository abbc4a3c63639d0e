"""Every container, by ID, name and prefix, and its checkpoint (moby daemon/container.go)."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import msgspec

from runner import trace
from runner.engine.container import Container, ContainerRecord
from runner.types.errors import Conflict, InvalidParameter, NotFound, RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.engine.config import EngineConfig
    from runner.store import Store

log = logging.getLogger(__name__)

_encode = msgspec.json.encode
_decoder = msgspec.json.Decoder(ContainerRecord)


class Containers:
    """The containers in memory, each of them in the store as well from its first checkpoint on.

    `unreadable` has the IDs of records that another version wrote: nothing of theirs is touched.
    Names are reserved in memory before the record exists (moby reserveName), so that two creates
    cannot both believe that a name is free.
    """

    def __init__(self, store: Store, config: EngineConfig) -> None:
        self._store = store
        self._config = config
        self._by_id: dict[str, Container] = {}
        self._id_by_name: dict[str, str] = {}
        self._unsaved: set[Container] = set()
        self.unreadable: set[str] = set()

    def __iter__(self) -> Iterator[Container]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def load(self) -> list[Container]:
        """Read every container from the store, once, at the engine's start."""
        for container_id, encoded in self._store.containers.all():
            try:
                record = _decoder.decode(encoded)
            except msgspec.DecodeError as err:
                self.unreadable.add(container_id)
                log.error(
                    "the record cannot be read, the container is left as it is: %s",
                    err,
                    extra={"container": container_id},
                )
            else:
                # who wanted it removed has gone with the last engine, and may ask again
                record.state.removal_in_progress = False
                self.add(self.make(record))
        return list(self)

    def make(self, record: ContainerRecord) -> Container:
        """The live object of a record; not registered yet."""
        return Container(
            record,
            directory=self._config.containers_dir / record.id,
            runtime_dir=self._config.exec_root / "containers" / record.id,
        )

    def add(self, container: Container) -> None:
        """Make the container known."""
        self._by_id[container.id] = container
        self._id_by_name[container.name] = container.id

    def reserve_name(self, container_id: str, name: str) -> None:
        """Take the name for the ID. Raises Conflict with dockerd's text when it is taken."""
        owner = self._id_by_name.setdefault(name, container_id)
        if owner != container_id:
            raise Conflict(
                f'Conflict. The container name "/{name}" is already in use by container "{owner}".'
                " You have to remove (or rename) that container to be able to reuse that name."
            )

    def release_name(self, container_id: str, name: str) -> None:
        """Give the name back if the ID has it. Idempotent."""
        if self._id_by_name.get(name) == container_id:
            del self._id_by_name[name]

    def checkpoint(self, container: Container) -> None:
        """Commit the record (moby CheckpointTo). Nothing is acknowledged before this.

        Raises System.
        """
        if not container.removed:
            record = container.record
            with trace.step(
                "container.CheckpointTo", container=record.id, status=record.state.status
            ):
                self._store.containers.save(record.id, record.name, _encode(record))
        self._unsaved.discard(container)
        if self._unsaved:
            self.checkpoint_or_log(self._unsaved.pop())

    def checkpoint_or_log(self, container: Container) -> None:
        """Commit what has happened already and cannot be refused any more. Should that fail, it is
        tried again after the next record that could be committed, as moby tries it never."""
        try:
            self.checkpoint(container)
        except RunnerError as err:
            log.error("the state could not be saved: %s", err, extra={"container": container.id})
            self._unsaved.add(container)

    def forget(self, container: Container, leftover: bytes) -> None:
        """Remove the container for its clients: the name is free, the rest is a leftover."""
        self._store.retire(container.id, leftover)
        self.drop(container)

    def drop(self, container: Container) -> None:
        """Take the container out of memory. Idempotent."""
        container.removed = True
        self._by_id.pop(container.id, None)
        self.release_name(container.id, container.name)

    def known(self, container_id: str) -> Container | None:
        """The container with exactly this ID."""
        return self._by_id.get(container_id)

    def get(self, reference: str) -> Container:
        """Look up by ID, then name, then unique prefix (moby GetContainer).

        Raises NotFound, or InvalidParameter for an empty or ambiguous reference.
        """
        if not reference:
            raise InvalidParameter('invalid name or ID supplied: ""')
        if found := self._by_id.get(reference):
            return found
        if found := self._by_id.get(self._id_by_name.get(reference.removeprefix("/"), "")):
            return found
        matches = [item for key, item in self._by_id.items() if key.startswith(reference)]
        if len(matches) > 1:
            raise InvalidParameter(f"multiple IDs found with provided prefix: {reference}")
        if not matches:
            raise NotFound(f"No such container: {reference}")
        return matches[0]

    def remove_directory(self, container_id: str) -> None:
        """Delete the container's own directory: log, network files. Idempotent."""
        shutil.rmtree(self._config.containers_dir / container_id, ignore_errors=True)
