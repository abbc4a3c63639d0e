"""Published ports, from wherever one may ask; with both flavours of iptables."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.network import EndpointRequest, SandboxRecord, port_requests
from runner.types.errors import System
from runner.types.network import PortBinding
from tests.support.netns import Neighbour, ask_tcp, ask_udp, make_socket, tcp_server, udp_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.network import Endpoint, NetworkController
    from tests.integration.network.conftest import Place

FLAVOURS = ("iptables-nft", "iptables-legacy")


@pytest.fixture(params=FLAVOURS)
async def flavoured(
    request: pytest.FixtureRequest, make_place: Callable[[str], Place]
) -> NetworkController:
    """A controller for each flavour."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return await make_place(request.param).controller()


async def publish(
    network: NetworkController, name: str, **bindings: tuple[str, str]
) -> tuple[str, Endpoint]:
    """A container with ports `tcp80=(host address, host port)`."""
    ports = {
        f"{key[3:]}/{key[:3]}": [PortBinding(host_ip=ip, host_port=port)]
        for key, (ip, port) in bindings.items()
    }
    sandbox = await network.new_sandbox(name)
    request = EndpointRequest(name, port_requests(list(ports), ports))
    return sandbox.key, await network.join(name, request)


async def tcp(key: str | None, address: str, port: int, text: str = "hello") -> str:
    return await asyncio.to_thread(ask_tcp, key, address, port, text)


async def udp(key: str | None, address: str, port: int) -> str:
    return await asyncio.to_thread(ask_udp, key, address, port)


async def test_tcp_from_everywhere(flavoured: NetworkController, neighbour: Neighbour) -> None:
    key, endpoint = await publish(flavoured, "web", tcp80=("", ""))
    other, _ = await publish(flavoured, "other")
    port = endpoint.ports[0].host_port
    assert [(p.host_ip, p.host_port) for p in endpoint.ports] == [("0.0.0.0", port), ("::", port)]
    gateway, host = endpoint.gateway, neighbour.host_address
    with tcp_server(key, 80):
        assert await tcp(neighbour.key, host, port) == f"hello from {neighbour.address}"
        assert await tcp(None, "127.0.0.1", port) == f"hello from {gateway}"
        assert await tcp(None, "127.1.2.3", port) == f"hello from {gateway}"
        assert await tcp(None, "::1", port) == f"hello from {gateway}"
        assert await tcp(None, host, port) == f"hello from {host}"
        assert await tcp(other, gateway, port) == f"hello from {gateway}"
        assert await tcp(other, host, port) == f"hello from {gateway}"
        assert await tcp(key, host, port) == f"hello from {gateway}"
        assert await tcp(key, gateway, port) == f"hello from {gateway}"


async def test_udp_from_everywhere(flavoured: NetworkController, neighbour: Neighbour) -> None:
    key, endpoint = await publish(flavoured, "dns", udp53=("", ""))
    other, _ = await publish(flavoured, "other")
    port, gateway, host = endpoint.ports[0].host_port, endpoint.gateway, neighbour.host_address
    with udp_server(key, 53):
        assert await udp(neighbour.key, host, port) == f"hello from {neighbour.address}"
        assert await udp(None, "127.0.0.1", port) == f"hello from {gateway}"
        assert await udp(None, "::1", port) == f"hello from {gateway}"
        assert await udp(other, gateway, port) == f"hello from {gateway}"
        assert await udp(key, host, port) == f"hello from {gateway}"


async def test_much_data_both_ways_over_ipv6(network: NetworkController) -> None:
    key, endpoint = await publish(network, "web", tcp80=("::1", ""))
    (port,) = endpoint.ports
    text = "x" * 3_000_000
    with tcp_server(key, 80):
        answer = await tcp(None, "::1", port.host_port, text)
    assert answer.startswith(text)


async def test_on_one_address_only(network: NetworkController, neighbour: Neighbour) -> None:
    key, endpoint = await publish(network, "web", tcp80=("127.0.0.1", ""))
    (published,) = endpoint.ports
    port = published.host_port
    with tcp_server(key, 80):
        assert await tcp(None, "127.0.0.1", port)
        with pytest.raises(ConnectionRefusedError):
            await tcp(neighbour.key, neighbour.host_address, port)
        # neither directly, although the port is published on some address
        with pytest.raises(TimeoutError):
            await tcp(neighbour.key, endpoint.address, 80)


async def test_deleted_ports_are_closed_and_free(network: NetworkController) -> None:
    key, endpoint = await publish(network, "web", tcp80=("", ""))
    port = endpoint.ports[0].host_port
    with tcp_server(key, 80):
        assert await tcp(None, "127.0.0.1", port)
    assert await network.delete_sandbox("web")
    for address in ("127.0.0.1", "::1"):
        with pytest.raises(ConnectionRefusedError):
            await tcp(None, address, port)
    _, again = await publish(network, "web", tcp80=("", str(port)))
    assert again.ports == endpoint.ports


async def test_a_port_of_another_container(network: NetworkController) -> None:
    _, endpoint = await publish(network, "first", tcp80=("", ""))
    port = endpoint.ports[0].host_port
    with pytest.raises(System) as refused:
        await publish(network, "second", tcp80=("", str(port)))
    prefix, _, rest = str(refused.value).partition(" (")
    assert prefix == "driver failed programming external connectivity on endpoint second"
    assert rest[64:] == f"): Bind for 0.0.0.0:{port} failed: port is already allocated"
    assert network.record("second").endpoints == ()  # type: ignore[union-attr]
    wanted = port_requests(["80/tcp"], {"80/tcp": [PortBinding(host_port=str(port))]})
    assert network.holders(wanted) == {"first"}
    assert await network.delete_sandbox("first")
    assert network.holders(wanted) == set()


@pytest.mark.parametrize(
    ("kind", "bindings"),
    [(socket.SOCK_STREAM, "tcp80"), (socket.SOCK_DGRAM, "udp80")],
)
async def test_a_port_of_another_program(
    network: NetworkController, place: Place, kind: int, bindings: str
) -> None:
    with make_socket(None, kind) as program:
        program.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            program.listen()
        port = program.getsockname()[1]
        with pytest.raises(System) as refused:
            await publish(network, "web", **{bindings: ("", str(port))})
    address = place.subnet.network[2]
    assert str(refused.value).endswith(
        f"): failed to bind host port for 0.0.0.0:{port}:{address}:80/{bindings[:3]}:"
        " address already in use"
    )
    assert str(address) not in map(str, place.addresses.owners())
    assert await publish(network, "web", **{bindings: ("", str(port))})


async def test_an_address_that_the_host_has_not(network: NetworkController) -> None:
    with pytest.raises(System, match="cannot assign requested address"):
        await publish(network, "web", tcp80=("192.0.2.250", "8080"))


async def test_a_range_passes_over_what_programs_have(network: NetworkController) -> None:
    with ExitStack() as programs:
        first = programs.enter_context(make_socket(None))
        first.bind(("0.0.0.0", 0))
        first.listen()
        port = first.getsockname()[1]
        _, endpoint = await publish(network, "web", tcp80=("127.0.0.1", f"{port}-{port + 3}"))
    assert port < endpoint.ports[0].host_port <= port + 3


async def test_a_client_that_was_there_before(network: NetworkController) -> None:
    """Datagrams sent in vain must not keep the way to nowhere open."""
    with make_socket(None, socket.SOCK_DGRAM) as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    with make_socket(None, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.sendto(b"early", ("127.0.0.1", port))
        key, _ = await publish(network, "dns", udp53=("", str(port)))
        with udp_server(key, 53):
            client.sendto(b"late", ("127.0.0.1", port))
            answer = await asyncio.to_thread(client.recv, 100)
    assert answer.startswith(b"late")


ENGINE = """
import asyncio, sys, msgspec
from ipaddress import IPv4Interface
from pathlib import Path
from runner.network import *

async def main(root, bridge, bip):
    config = BridgeConfig("a" * 64, bridge, IPv4Interface(bip))
    network = NetworkController(Path(root), MemoryAddressPool(), config)
    await network.restore([])
    await network.new_sandbox("web")
    ports = port_requests(["80/tcp"], None, publish_all=True)
    await network.join("web", EndpointRequest("web", ports))
    print(msgspec.json.encode(network.record("web")).decode(), flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def killed_with_a_container(place: Place) -> SandboxRecord:
    """An engine that is killed when it has a container `web` with a published port."""
    root = str(place.workspace.path / "exec")
    arguments = [sys.executable, "-c", ENGINE, root, place.bridge, str(place.subnet.gateway)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as engine:
        assert engine.stdout is not None
        line = await asyncio.to_thread(engine.stdout.readline)
        engine.send_signal(signal.SIGKILL)
    record = msgspec.json.decode(line, type=SandboxRecord)
    (endpoint,) = record.endpoints
    await place.addresses.reserve(endpoint.network_id, [IPv4Address(endpoint.address)], "web")
    return record


def is_led_on(place: Place, port: int) -> bool:
    """Whether the firewall leads a host port to some container."""
    return f"--dport {port} -j DNAT" in place.iptables.save()


async def test_ports_outlive_a_killed_engine(place: Place) -> None:
    record = await killed_with_a_container(place)
    port = record.endpoints[0].ports[0].host_port
    with tcp_server(record.sandbox.key, 80):
        assert await tcp(None, "127.0.0.1", port)  # nobody but the kernel is there

        successor = await place.controller(record)
        assert await tcp(None, "127.0.0.1", port)
        assert await tcp(None, "::1", port)
        with pytest.raises(System, match="port is already allocated"):
            await publish(successor, "second", tcp80=("", str(port)))
        assert await tcp(None, "127.0.0.1", port)
        with pytest.raises(OSError, match="Address already in use"), make_socket(None) as program:
            program.bind(("127.0.0.1", port))
            program.listen()
    assert await successor.delete_sandbox("web")
    with pytest.raises(ConnectionRefusedError):
        await tcp(None, "127.0.0.1", port)


async def test_a_port_that_a_program_has_taken_meanwhile_is_withdrawn(place: Place) -> None:
    record = await killed_with_a_container(place)
    port = record.endpoints[0].ports[0].host_port
    with make_socket(None) as program:
        program.bind(("0.0.0.0", port))
        program.listen()
        successor = await place.controller(record)
        assert is_led_on(place, port)
        assert await successor.delete_sandbox("web")
        assert not is_led_on(place, port)


async def test_ports_of_a_container_that_has_ended_meanwhile_are_withdrawn(place: Place) -> None:
    record = await killed_with_a_container(place)
    port = record.endpoints[0].ports[0].host_port
    assert is_led_on(place, port)
    await place.controller()
    assert not is_led_on(place, port)
