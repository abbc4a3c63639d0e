"""Renaming containers (moby daemon/rename.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.engine import network_connect
from runner.engine.names import validate_name
from runner.types.errors import Conflict, InvalidParameter, NotFound

if TYPE_CHECKING:
    from runner.engine.engine import Engine


async def container_rename(engine: Engine, reference: str, new_name: str) -> None:
    """Give the container another name (moby ContainerRename).

    Raises NotFound, InvalidParameter for the names, Conflict when the new one is taken.
    """
    if not reference or not new_name:
        raise InvalidParameter("Neither old nor new names may be empty")
    container = engine.containers.get(reference)
    async with container.lock:
        if container.removed:  # while we waited for the lock
            raise NotFound(f"No such container: {reference}")
        old_name = container.name
        new_name = new_name.removeprefix("/")
        if new_name == old_name:
            raise InvalidParameter("Renaming a container with the same name as its current name")
        try:
            validate_name(f"/{new_name}")
            engine.containers.reserve_name(container.id, new_name)
        except (Conflict, InvalidParameter) as err:
            raise err.wrap("Error when allocating new name") from err
        container.record.name = new_name
        network_connect.renamed(engine, container)
        network_connect.keep(engine, container)
        engine.containers.release_name(container.id, old_name)
        engine.events.log_container(container, "rename", {"oldName": f"/{old_name}"})
