"""Joining a network: who is waited for, and what stays of a failure."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from runner.engine import network_connect
from runner.network import EndpointRequest, NetworkRecord
from runner.types.container import Config, HostConfig
from runner.types.errors import InvalidParameter, System
from runner.types.network import EndpointSettings, PortBinding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.engine.container import Container
    from runner.network import PortRequest
    from tests.unit.engine.support import FakeEngine

NETWORK = NetworkRecord("bridge", id="n" * 64, name="front")


class FakeNetwork:
    """Port 8080 is `holder`'s until it is released."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.released = asyncio.Event()
        self.joined = asyncio.Event()

    def holders(self, ports: Iterable[PortRequest]) -> set[str]:
        wanted = any(request.host_port == 8080 for request in ports)
        return {self.holder} if wanted and not self.released.is_set() else set()

    async def next_release(self) -> None:
        await self.released.wait()

    async def join(self, container_id: str, request: EndpointRequest) -> None:
        self.joined.set()


def publishing(engine: FakeEngine, name: str) -> Container:
    return engine.add(
        name,
        config=Config(image="busybox", exposed_ports={"80/tcp": {}}),
        host_config=HostConfig(port_bindings={"80/tcp": [PortBinding(host_port="8080")]}),
    )


async def test_a_port_of_a_container_that_has_ended(fake_engine: Any) -> None:
    old, new = publishing(fake_engine, "old"), publishing(fake_engine, "new")
    network = fake_engine.network = FakeNetwork(old.id)
    joining = asyncio.create_task(
        network_connect._join(fake_engine, new, NETWORK, EndpointSettings())
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(network.joined.wait(), 0.05)
    network.released.set()
    await joining
    assert network.joined.is_set()


async def test_a_port_of_a_container_that_runs(fake_engine: Any) -> None:
    old, new = publishing(fake_engine, "old"), publishing(fake_engine, "new")
    old.state.running = True
    fake_engine.network = FakeNetwork(old.id)
    await network_connect._join(fake_engine, new, NETWORK, EndpointSettings())


async def test_a_failed_connection_leaves_no_settings(fake_engine: Any) -> None:
    class Refusing(FakeNetwork):
        async def join(self, container_id: str, request: EndpointRequest) -> None:
            raise System("no")

        def record(self, container_id: str) -> None:
            return None

    box = fake_engine.add("box")
    box.record.mac_addresses = {"back": "02:00:00:00:00:01"}
    fake_engine.networks = SimpleNamespace(find=lambda _: NETWORK)
    fake_engine.network = Refusing("")
    settings = EndpointSettings(mac_address="02:00:00:00:00:02")
    with pytest.raises(System, match="no"):
        await network_connect._connect_running(fake_engine, box, "front", settings)
    assert box.record.network_settings.networks == {}
    assert box.record.mac_addresses == {"back": "02:00:00:00:00:01"}


@pytest.mark.parametrize("order", [("host", "bridge"), ("bridge", "host")])
def test_the_hosts_network_goes_with_no_other(fake_engine: Any, order: tuple[str, str]) -> None:
    """Whichever the client names first: the stock one sorts them."""
    records = {
        "host": NetworkRecord("host", id="h" * 64, name="host"),
        "bridge": NetworkRecord("bridge", id="b" * 64, name="bridge"),
    }
    fake_engine.networks = SimpleNamespace(find=records.__getitem__)
    box = fake_engine.add("box", host_config=HostConfig(network_mode="host"))
    box.record.network_settings.networks = {name: EndpointSettings() for name in order}
    with pytest.raises(InvalidParameter, match="cannot be connected to any other network"):
        network_connect._check_together(fake_engine, box, records[order[0]])
