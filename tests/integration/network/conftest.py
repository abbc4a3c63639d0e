"""Controllers with bridges, subnets and directories of their own."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from runner.network import (
    BridgeConfig,
    IPTables,
    MemoryAddressPool,
    NetworkController,
    NetworkRecord,
    Pool,
    SandboxRecord,
)
from tests.support.netns import Neighbour
from tests.support.subnets import Subnet
from tests.support.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path


@dataclass
class Place:
    """What belongs to one controller and outlives it."""

    workspace: Workspace
    subnet: Subnet
    addresses: MemoryAddressPool
    iptables: IPTables
    controllers: list[NetworkController] = field(default_factory=list)

    @property
    def bridge(self) -> str:
        """The bridge's name."""
        return f"nb{self.workspace.tag}"

    @property
    def netns(self) -> Path:
        """Where the namespaces' files are."""
        return self.workspace.path / "exec" / "netns"

    def user_network(self, name: str) -> NetworkRecord:
        """A network that is yet to be made, with the place's bridge and subnet."""
        return NetworkRecord(
            "bridge",
            id=name.ljust(64, "0"),
            name=name,
            pools=(Pool(str(self.subnet.network), str(self.subnet.gateway.ip)),),
            options={"com.docker.network.bridge.name": self.bridge},
        )

    async def controller(
        self, *records: SandboxRecord, networks: Sequence[NetworkRecord] = ()
    ) -> NetworkController:
        """A controller, as an engine that starts makes it; closed with the place."""
        made = NetworkController(
            self.workspace.path / "exec",
            self.addresses,
            BridgeConfig("a" * 64, self.bridge, self.subnet.gateway),
            self.iptables,
        )
        self.controllers.append(made)
        await made.enable_forwarding(drop=False)
        await made.restore(records, networks)
        return made

    async def purge(self) -> None:
        """Remove everything."""
        for controller in self.controllers:
            await controller.close()
        await (await self.controller()).purge()


@pytest.fixture
async def make_place() -> AsyncIterator[Callable[[str], Place]]:
    """Makes places for a flavour of iptables; purged at the end."""
    async with AsyncExitStack() as undo:

        def make(flavour: str = "iptables") -> Place:
            workspace = undo.enter_context(Workspace.make())
            subnet = Subnet.reserve()
            undo.callback(subnet.release)
            made = Place(workspace, subnet, MemoryAddressPool(), IPTables(flavour))
            workspace.note_link(made.bridge, str(subnet.network))
            undo.push_async_callback(made.purge)
            return made

        yield make


@pytest.fixture
def place(make_place: Callable[[], Place]) -> Place:
    """The place of `network`."""
    return make_place()


@pytest.fixture
async def network(place: Place) -> NetworkController:
    """A controller."""
    return await place.controller()


@pytest.fixture
def neighbour(make_place: Callable[[], Place]) -> Iterator[Neighbour]:
    """A machine beside this one, which routes through it."""
    beside = make_place()
    here = beside.subnet.gateway.ip
    with Neighbour(
        beside.workspace.tag, beside.workspace.path, str(here), str(here + 1)
    ) as connected:
        yield connected
