"""Endpoints on the bridge: they reach each other, the host and the world; the world not them."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.network import EndpointRequest, IPTables
from runner.types.errors import Forbidden, InvalidParameter, System
from tests.support import firewall
from tests.support.netns import Neighbour, ask_tcp, inside, make_socket, tcp_server
from tests.support.workspace import ip

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.network import Endpoint, NetworkController, NetworkRecord
    from tests.integration.network.conftest import Place


async def start(network: NetworkController, name: str) -> tuple[str, Endpoint]:
    sandbox = await network.new_sandbox(name)
    return sandbox.key, await network.join(name, EndpointRequest(name))


async def ask(key: str | None, address: str, port: int) -> str:
    return await asyncio.to_thread(ask_tcp, key, address, port)


async def test_an_endpoint_is_as_dockerd_makes_it(network: NetworkController, place: Place) -> None:
    key, endpoint = await start(network, "c")
    subnet = place.subnet.network
    assert endpoint.address == str(subnet[2])
    assert (endpoint.gateway, endpoint.prefix_len) == (str(subnet[1]), subnet.prefixlen)
    shown = inside(key, lambda: ip("address", "show", "eth0"))
    assert f"link/ether {endpoint.mac_address}" in shown
    assert f"inet {endpoint.address}/24 brd {subnet[255]} scope global eth0" in shown
    assert "inet6" not in shown
    assert inside(key, lambda: ip("route")).startswith(f"default via {subnet[1]} dev eth0")


async def test_containers_reach_each_other_and_the_host(network: NetworkController) -> None:
    first, endpoint = await start(network, "a")
    second, _ = await start(network, "b")
    with tcp_server(first, 80):
        assert (await ask(second, endpoint.address, 80)).startswith("hello")
        assert (await ask(None, endpoint.address, 80)) == f"hello from {endpoint.gateway}"
    with tcp_server(None, 0, endpoint.gateway) as _, make_socket(None) as server:
        server.bind((endpoint.gateway, 0))
        server.listen()
        with make_socket(second) as client:
            client.connect(server.getsockname())


async def test_the_world_sees_the_host_s_address(
    network: NetworkController, neighbour: Neighbour
) -> None:
    key, _ = await start(network, "c")
    with tcp_server(neighbour.key, 80):
        assert await ask(key, neighbour.address, 80) == f"hello from {neighbour.host_address}"


async def test_the_world_does_not_reach_containers(
    network: NetworkController, neighbour: Neighbour
) -> None:
    key, endpoint = await start(network, "c")
    with tcp_server(key, 80), pytest.raises(TimeoutError):
        await ask(neighbour.key, endpoint.address, 80)


async def test_networks_of_two_engines_are_apart(
    network: NetworkController, make_place: Callable[[], Place]
) -> None:
    elsewhere = await make_place().controller()
    key, endpoint = await start(network, "a")
    stranger, its_endpoint = await start(elsewhere, "a")
    with tcp_server(key, 80), tcp_server(stranger, 80):
        with pytest.raises(TimeoutError):
            await ask(stranger, endpoint.address, 80)
        with pytest.raises(TimeoutError):
            await ask(key, its_endpoint.address, 80)
    await elsewhere.purge()
    with tcp_server(key, 80):
        assert await ask(None, endpoint.address, 80)  # the other's end changed nothing here


async def test_the_host_s_own_loopback_is_out_of_reach(network: NetworkController) -> None:
    """route_localnet opens it, the firewall shuts it."""
    key, endpoint = await start(network, "c")
    inside(key, lambda: ip("route", "add", "127.9.9.9", "via", endpoint.gateway))
    rules = ("rule", "add", "pref", "0", "to", "127.9.9.9", "lookup", "main")
    inside(key, lambda: ip(*rules))
    inside(key, lambda: ip("rule", "delete", "lookup", "local"))
    inside(key, lambda: ip("rule", "add", "pref", "10", "lookup", "local"))
    with tcp_server(None, 18099, "127.9.9.9"), pytest.raises(TimeoutError):
        await ask(key, "127.9.9.9", 18099)


async def test_an_address_goes_on_to_another_container(network: NetworkController) -> None:
    """With another MAC address, which the host and the other containers must learn at once."""
    other, _ = await start(network, "other")
    for name in ("first", "second", "third"):
        key, endpoint = await start(network, name)
        with tcp_server(key, 80):
            assert await ask(None, endpoint.address, 80)
            assert await ask(other, endpoint.address, 80)
        assert await network.delete_sandbox(name)
        assert endpoint.address.endswith(".3")


async def test_a_shared_namespace_does_not_keep_the_endpoint(network: NetworkController) -> None:
    key, endpoint = await start(network, "c")
    with make_socket(key):  # as a container that joined it
        assert await network.delete_sandbox("c")
        assert not Path(f"/sys/class/net/{endpoint.interface}").exists()


async def test_addresses_asked_for(network: NetworkController, place: Place) -> None:
    wanted = place.subnet.network[77]
    await network.new_sandbox("c")
    endpoint = await network.join(
        "c", EndpointRequest("c", address=wanted, mac_address="02-42-AC-11-00-99")
    )
    assert (endpoint.address, endpoint.mac_address) == (str(wanted), "02:42:ac:11:00:99")
    await network.new_sandbox("d")
    for taken in (wanted, place.subnet.gateway.ip):
        with pytest.raises(Forbidden, match="Address already in use"):
            await network.join("d", EndpointRequest("d", address=taken))
    with pytest.raises(InvalidParameter, match="does not belong to any of this network's subnets"):
        await network.join("d", EndpointRequest("d", address=IPv4Address("9.9.9.9")))
    with pytest.raises(InvalidParameter, match="invalid MAC address"):
        await network.join("d", EndpointRequest("d", mac_address="02:42"))


async def test_many_at_once(network: NetworkController) -> None:
    joined = await asyncio.gather(*(start(network, f"c{number}") for number in range(8)))
    assert len({endpoint.address for _, endpoint in joined}) == 8
    assert all(await asyncio.gather(*(network.delete_sandbox(f"c{n}") for n in range(8))))


async def test_a_failed_join_leaves_nothing(place: Place) -> None:
    place.iptables = IPTables("no-such-iptables")
    network = await place.controller()
    await network.new_sandbox("c")
    with pytest.raises(System, match="not found"):
        await network.join("c", EndpointRequest("c"))
    assert network.record("c").endpoints == ()  # type: ignore[union-attr]
    assert place.addresses.owners() == {}
    place.iptables = IPTables()


async def test_a_cancelled_join_leaves_nothing(network: NetworkController, place: Place) -> None:
    await network.start()
    for delay in (0, 0.001, 0.002, 0.004):
        sandbox = await network.new_sandbox("c")
        joining = asyncio.create_task(network.join("c", EndpointRequest("c")))
        await asyncio.sleep(delay)
        if not joining.cancel():
            continue
        with pytest.raises(asyncio.CancelledError):
            await joining
        assert place.addresses.owners() == {}
        assert inside(sandbox.key, lambda: str(len(socket.if_nameindex()))) == "1"


async def test_an_existing_bridge_keeps_its_address(place: Place) -> None:
    first = await place.controller()
    await first.start()
    await first.close()
    second = await place.controller()
    await second.start()
    await second.start()
    assert second.default_network is not None
    assert second.default_network.gateway == place.subnet.gateway.ip
    jumps = [line for line in firewall.save("iptables") if line.text.endswith(f"-{place.bridge}")]
    assert len({(line.table, line.text) for line in jumps}) == len(jumps)
    await second.close()


async def test_another_kind_of_interface_is_not_taken(place: Place) -> None:
    ip("link", "add", place.bridge, "type", "veth", "peer", "name", f"{place.bridge}p")
    try:
        network = await place.controller()
        with pytest.raises(InvalidParameter, match="is not a bridge"):
            await network.start()
        await network.purge()
        assert Path(f"/sys/class/net/{place.bridge}").exists()
    finally:
        ip("link", "delete", place.bridge)


async def test_purging_leaves_nothing(network: NetworkController, place: Place) -> None:
    await start(network, "c")
    await network.host_sandbox("h")
    await network.purge()
    await network.purge()
    assert not Path(f"/sys/class/net/{place.bridge}").exists()
    assert not place.netns.exists()
    assert str(place.netns) not in Path("/proc/self/mountinfo").read_text()
    assert not any(place.bridge in line.text for line in firewall.save("iptables"))


async def test_a_killed_engine_has_kept_what_it_makes(
    network: NetworkController, place: Place, make_place: Callable[[], Place]
) -> None:
    beside = make_place()
    bridge = Path(f"/sys/class/net/{beside.bridge}")
    kept: list[NetworkRecord] = []

    def keep(record: NetworkRecord) -> None:
        assert not bridge.exists()
        kept.append(record)

    made = await network.create_network(beside.user_network("front"), keep)
    assert bridge.exists()
    assert kept == [made]
    assert (made.host_interface, made.made) == (beside.bridge, True)
    successor = await place.controller(networks=kept)
    await successor.remove_network(made.id)
    assert not bridge.exists()


async def test_a_bridge_is_of_one_network(
    network: NetworkController, make_place: Callable[[], Place]
) -> None:
    beside = make_place()
    results = await asyncio.gather(
        *(network.create_network(beside.user_network(name), lambda _: None) for name in "ab"),
        return_exceptions=True,
    )
    assert isinstance(results[1], Forbidden)
    assert "networks have same bridge name" in str(results[1])
    await network.remove_network("a".ljust(64, "0"))
