"""A host whose firewall is firewalld's, which rejects what our rules have accepted."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.firewalld import Host
from tests.support.netns import ask_tcp, tcp_server
from tests.support.subject import eventually
from tests.support.toolchain import has_archive, path_with

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not has_archive(), reason="no Debian archive to take firewalld from"),
]

ROOT = Path(__file__).parents[3]
ENGINE = """
import asyncio, json, sys, logging
from ipaddress import IPv4Interface
from pathlib import Path
from runner.network import *

async def main(root):
    logging.basicConfig(level=logging.INFO)
    config = BridgeConfig("a" * 64, "runner0", IPv4Interface("10.77.0.1/24"))
    network = NetworkController(Path(root), MemoryAddressPool(), config)
    await network.enable_forwarding(drop=True)
    await network.restore([])
    sandbox = await network.new_sandbox("web")
    ports = port_requests(["80/tcp"], None, publish_all=True)
    endpoint = await network.join("web", EndpointRequest("web", ports))
    port = endpoint.ports[0].host_port
    print(json.dumps([sandbox.key, endpoint.address, port]), flush=True)
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        record = NetworkRecord(
            "bridge", id="b" * 64, name=word, pools=(Pool("10.78.0.0/24", "10.78.0.1"),)
        )
        await network.create_network(record, lambda _: None)
        await network.remove_network(record.id)
        print("made and removed", flush=True)
    await network.purge()
    await network.close()

asyncio.run(main(*sys.argv[1:]))
"""


@dataclasses.dataclass(frozen=True)
class Container:
    """Its namespace, its address, and the port of the host's that leads to its port 80."""

    key: str
    address: str
    port: int
    engine: subprocess.Popen[bytes]

    def make_and_remove_a_network(self) -> None:
        assert self.engine.stdin and self.engine.stdout
        self.engine.stdin.write(b"other\n")
        self.engine.stdin.flush()
        assert self.engine.stdout.readline() == b"made and removed\n"


@pytest.fixture(
    scope="module",
    params=["nftables", pytest.param("iptables", marks=pytest.mark.thorough)],
)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with Host(request.param) as made:
        made.start()
        yield made


@contextlib.contextmanager
def engine(host: Host, bus: str) -> Iterator[Container]:
    """A controller on the host, with a container that publishes its port 80."""
    root = str(host.workspace.path / "exec")
    environment = {"DBUS_SYSTEM_BUS_ADDRESS": bus, "PATH": path_with(), "PYTHONPATH": str(ROOT)}
    log = host.workspace.path / "engine.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            host.command(sys.executable, "-c", ENGINE, root),
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdin and process.stdout
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        yield Container(*json.loads(line), process)
        process.stdin.close()
        assert process.wait(30) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def connects(key: str | None, address: str, port: int) -> bool:
    try:
        return ask_tcp(key, address, port).startswith("hello")
    except OSError:
        return False


def reaches(host: Host, container: Container) -> tuple[bool, bool, bool]:
    """Whether the container gets out, and whether its published port and itself are reached."""
    key = host.path(container.key)
    with tcp_server(key, 80), tcp_server(host.neighbour, 80):
        return (
            connects(key, host.neighbour_address, 80),
            connects(host.neighbour, host.address, container.port),
            connects(host.neighbour, container.address, 80),
        )


def test_what_happens_to_those_who_do_not_look_after_it(host: Host) -> None:
    """Else the tests below would say nothing: containers do not get out, or, where firewalld's
    rules are iptables' too, a reload takes theirs away."""
    with engine(host, "unix:path=/nowhere") as container:
        out, published, _ = reaches(host, container)
        assert (out, published) == (host.backend == "iptables", True)
        host.firewall_cmd("--reload")
        out, published, _ = reaches(host, container)
        assert not (out and published)


def test_containers_reach_and_are_reached(host: Host) -> None:
    """At what they publish, and nothing else; also when firewalld has been reloaded, ended and
    started."""
    with engine(host, host.bus) as container:
        assert reaches(host, container) == (True, True, False)
        container.make_and_remove_a_network()
        assert host.firewall_cmd("--zone=docker", "--list-interfaces") == "runner0"
        host.firewall_cmd("--reload")
        assert eventually(lambda: reaches(host, container) == (True, True, False))
        host.firewall_cmd("--complete-reload")
        assert eventually(lambda: reaches(host, container) == (True, True, False))
        host.stop_firewalld()
        assert eventually(lambda: reaches(host, container) == (True, True, False))
        host.start_firewalld()
        assert eventually(lambda: reaches(host, container) == (True, True, False))
    assert "runner0" not in host.firewall_cmd("--zone=docker", "--list-interfaces")


def test_without_a_bus_the_engine_goes_on(host: Host) -> None:
    with engine(host, host.bus) as container:
        host.stop_bus()
        try:
            container.make_and_remove_a_network()
            assert reaches(host, container)[1]
        finally:
            host.stop()
            host.start()


def test_a_bridge_that_somebody_has_put_elsewhere_stays_there(host: Host) -> None:
    host.firewall_cmd("--permanent", "--zone=trusted", "--add-interface=runner0")
    host.firewall_cmd("--reload")
    with engine(host, host.bus):
        assert host.firewall_cmd("--get-zone-of-interface=runner0") == "trusted"
    host.firewall_cmd("--permanent", "--zone=trusted", "--remove-interface=runner0")
    host.firewall_cmd("--reload")
