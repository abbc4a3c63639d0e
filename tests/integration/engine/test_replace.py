"""replace_container against a containerd that changes, or fails, between two calls."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from runner.containerd.client import Containerd
from runner.containerd.containers import Container, Runtime
from runner.containerd.runc import RUNTIME
from runner.engine.replace import replace_container
from runner.types.errors import Conflict, NotFound, RunnerError, System, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.containerd import Containerd as Daemon

ID = "stale"


@pytest.fixture
async def client(containerd: Daemon) -> AsyncIterator[Containerd]:
    """A client in an empty namespace, which is gone afterwards."""
    namespace = f"test-{secrets.token_hex(4)}"
    async with Containerd(str(containerd.address), namespace) as client:
        yield client
        for container in await client.containers.list():
            await client.containers.delete(container.id)
        with contextlib.suppress(NotFound):  # a test that made nothing
            await client.namespaces.delete(namespace)


class Meddled:
    """One of containerd's services, with a hand in between: before or after a call."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], Awaitable[None]]] = {}
        self.after: dict[str, Callable[[], Awaitable[None]]] = {}

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._service, name)

        async def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if meddle := self.before.get(name):
                await meddle()
            result = await real(*arguments)
            if meddle := self.after.get(name):
                await meddle()
            return result

        return call


class MeddledContainerd:
    """What `replace_container` uses of the client."""

    def __init__(self, client: Containerd) -> None:
        self.containers = Meddled(client.containers)
        self.tasks = Meddled(client.tasks)


def described(label: str) -> Container:
    return Container(id=ID, runtime=Runtime(RUNTIME), spec=b"{}", labels={"made": label})


async def replace(containerd: MeddledContainerd) -> None:
    await replace_container(containerd, described("anew"))  # type: ignore[arg-type]


def failing(error: RunnerError) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


async def test_without_a_conflict_it_is_one_call(client: Containerd) -> None:
    containerd = MeddledContainerd(client)
    await replace(containerd)
    assert (containerd.containers.calls, containerd.tasks.calls) == (["create"], [])


async def test_a_stale_one_is_replaced(client: Containerd) -> None:
    await client.containers.create(described("before"))
    containerd = MeddledContainerd(client)
    await replace(containerd)
    assert containerd.containers.calls == ["create", "get", "delete", "create"]
    assert (await client.containers.get(ID)).labels["made"] == "anew"


async def test_a_second_conflict_is_final(client: Containerd) -> None:
    await client.containers.create(described("before"))
    containerd = MeddledContainerd(client)

    async def somebody_is_quicker() -> None:
        await client.containers.create(described("meanwhile"))

    containerd.containers.after["delete"] = somebody_is_quicker
    with pytest.raises(Conflict, match=r"^id already in use$"):
        await replace(containerd)
    assert containerd.containers.calls.count("create") == 2
    assert (await client.containers.get(ID)).labels["made"] == "meanwhile"


async def test_it_has_vanished_before_it_could_be_looked_at(client: Containerd) -> None:
    await client.containers.create(described("before"))
    containerd = MeddledContainerd(client)

    async def vanish() -> None:
        await client.containers.delete(ID)

    containerd.containers.before["get"] = vanish
    await replace(containerd)
    assert containerd.containers.calls == ["create", "get", "create"]


async def test_it_has_vanished_before_it_could_be_deleted(client: Containerd) -> None:
    await client.containers.create(described("before"))
    containerd = MeddledContainerd(client)

    async def vanish() -> None:
        await client.containers.delete(ID)

    containerd.containers.before["delete"] = vanish
    await replace(containerd)
    assert containerd.containers.calls == ["create", "get", "delete", "create"]


@pytest.mark.parametrize("error", [System("boom"), Unavailable("boom")], ids=type)
@pytest.mark.parametrize(
    ("service", "call", "text"),
    [
        ("containers", "get", "could not load stale containerd container object: boom"),
        ("tasks", "get", "could not load stale containerd task object: boom"),
        ("tasks", "force_delete", "could not delete stale containerd task object: boom"),
        ("containers", "delete", "could not delete stale containerd container object: boom"),
    ],
)
async def test_a_step_of_the_clean_up_fails(
    client: Containerd, service: str, call: str, text: str, error: RunnerError
) -> None:
    await client.containers.create(described("before"))
    containerd = MeddledContainerd(client)
    if call == "force_delete":
        containerd.tasks.__dict__["get"] = containerd.containers.get  # there is a task, it says
    getattr(containerd, service).before[call] = failing(error)
    with pytest.raises(System) as raised:
        await replace(containerd)
    assert raised.value.message == text
    assert containerd.containers.calls.count("create") == 1


async def test_a_task_that_vanishes_is_no_failure(client: Containerd) -> None:
    await client.containers.create(described("before"))
    containerd = MeddledContainerd(client)
    containerd.tasks.__dict__["get"] = containerd.containers.get
    containerd.tasks.before["force_delete"] = failing(NotFound("gone"))
    await replace(containerd)
    assert (await client.containers.get(ID)).labels["made"] == "anew"


async def test_another_error_of_create_is_passed_on(client: Containerd) -> None:
    containerd = MeddledContainerd(client)
    containerd.containers.before["create"] = failing(Unavailable("away"))
    with pytest.raises(Unavailable, match=r"^away$"):
        await replace(containerd)
    assert containerd.containers.calls == ["create"]
