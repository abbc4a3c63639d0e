"""Namespaces: made, entered, removed, found again."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.network import EndpointRequest
from runner.types.errors import NotFound
from tests.support.netns import inside, make_socket
from tests.support.process import wait_until

if TYPE_CHECKING:
    from runner.network import NetworkController
    from tests.integration.network.conftest import Place


def interfaces() -> str:
    return " ".join(name for _, name in socket.if_nameindex())


async def test_a_sandbox_has_its_loopback_and_nothing_else(
    network: NetworkController, place: Place
) -> None:
    sandbox = await network.new_sandbox("c")
    assert Path(sandbox.key) == place.netns / sandbox.id[:12]
    assert inside(sandbox.key, interfaces) == "lo"
    with make_socket(sandbox.key) as server, make_socket(sandbox.key) as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
    assert not Path(f"/sys/class/net/{place.bridge}").exists()  # nobody needed it


async def test_the_engine_s_own_threads_stay_where_they_are(network: NetworkController) -> None:
    before = os.readlink("/proc/self/ns/net")
    await network.new_sandbox("c")
    await network.join("c", EndpointRequest("c"))

    def namespaces() -> set[str]:
        found = set()
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it has just ended
                found.add(os.readlink(task / "ns/net"))
        return found

    wait_until(lambda: namespaces() == {before}, seconds=2, what="the end of changed threads")


async def test_deleting_twice(network: NetworkController, place: Place) -> None:
    await network.new_sandbox("c")
    assert await network.delete_sandbox("c")
    assert await network.delete_sandbox("c")
    assert network.sandbox("c") is None
    assert list(place.netns.iterdir()) == []


async def test_a_stale_sandbox_goes_when_a_new_one_is_made(
    network: NetworkController, place: Place
) -> None:
    first = await network.new_sandbox("c")
    await network.join("c", EndpointRequest("c"))
    second = await network.new_sandbox("c")
    assert first.id != second.id
    assert [str(path) for path in place.netns.iterdir()] == [second.key]
    assert place.addresses.owners() == {}


async def test_the_host_s_namespace(network: NetworkController, place: Place) -> None:
    first = await network.host_sandbox("a")
    second = await network.host_sandbox("b")
    assert first.host
    assert first.key == second.key == str(place.netns / "default")
    assert Path(first.key).samefile("/proc/self/ns/net")
    assert await network.delete_sandbox("a")
    assert Path(second.key).exists()


async def test_ipv6_switched_off_by_a_sysctl_is_noticed(network: NetworkController) -> None:
    sandbox = await network.new_sandbox("c")
    assert sandbox.ipv6
    setting = Path("/proc/sys/net/ipv6/conf/all/disable_ipv6")
    inside(sandbox.key, lambda: str(setting.write_text("1")))
    assert not (await network.refresh("c")).ipv6
    assert not network.sandbox("c").ipv6  # type: ignore[union-attr]


async def test_joining_without_a_sandbox(network: NetworkController) -> None:
    with pytest.raises(NotFound):
        await network.join("c", EndpointRequest("c"))


async def test_what_nobody_owns_is_found_and_removed(
    network: NetworkController, place: Place
) -> None:
    await network.new_sandbox("lost")
    await network.join("lost", EndpointRequest("lost"))
    kept = await network.new_sandbox("kept")
    endpoint = await network.join("kept", EndpointRequest("kept"))
    record = network.record("kept")
    assert record is not None
    await network.close()

    successor = await place.controller(record)
    leftovers = await successor.leftovers({"kept"})
    assert len(leftovers.namespaces) == len(leftovers.interfaces) == 1
    assert await successor.remove_leftovers(leftovers)
    assert not await successor.leftovers({"kept"})
    assert [str(path) for path in place.netns.iterdir()] == [kept.key]
    assert Path(f"/sys/class/net/{endpoint.interface}").exists()
