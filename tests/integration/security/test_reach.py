"""Ways through the network to what a container shall not reach, tried."""

from __future__ import annotations

import contextlib
import select
import socket
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.subject import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.subject import Subject

_ALL_PROTOCOLS = 3
_NOBODY = "192.0.2.53"
"""An address of nobody's (RFC 5737): it is enough that it is asked."""


@contextlib.contextmanager
def overhearing() -> Iterator[socket.socket]:
    """All that goes over any interface of the host's."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS)) as ears:
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        ears.setblocking(False)
        yield ears


def heard(ears: socket.socket, word: bytes, *, seconds: float) -> bool:
    """Whether the word goes by in time."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([ears], [], [], left)[0] and word in ears.recv(65536):
            return True
    return False


@pytest.mark.parametrize("server", ["", f"--dns={_NOBODY}"])
def test_names_do_not_leave_an_internal_network(ours: Subject, server: str) -> None:
    """CVE-2024-29018: whoever cannot reach the world could still tell it something, by the names
    that he has the engine look up."""
    ours.docker("network", "create", "open")
    ours.docker("network", "create", "--internal", "closed")
    for network in ("open", "closed"):
        asking = f"sleep 1; while :; do nslookup told-{network}.example; done"
        place = ("--name", f"in-{network}", "--network", network)
        ours.docker("run", "-d", *place, *filter(None, [server]), "busybox", "sh", "-c", asking)
    with overhearing() as ears:
        told = heard(ears, b"told-open", seconds=15)
    if not told and not server:
        pytest.skip("this host has no server for names")
    assert told
    with overhearing() as ears:
        assert not heard(ears, b"told-closed", seconds=4)
    assert "can't" in ours.logs("in-closed") or "SERVFAIL" in ours.logs("in-closed")


def test_the_hosts_routes_are_not_a_containers_to_tell(ours: Subject) -> None:
    """CVE-2020-13401: a container that plays router to the host (IPv6 router advertisements)."""
    ours.docker("network", "create", "--ipv6", "six")
    ours.docker("run", "-d", "--network", "six", "busybox", "sleep", "1000")
    ours.docker("run", "-d", "busybox", "sleep", "1000")
    identity = ours.docker("network", "inspect", "-f", "{{.Id}}", "six").stdout[:12]
    for bridge in (ours.daemon.bridge, f"br-{identity}"):
        setting = Path(f"/proc/sys/net/ipv6/conf/{bridge}/accept_ra")
        if setting.exists():
            assert setting.read_text() == "0\n"
    assert Path(f"/sys/class/net/br-{identity}").exists()


def test_no_abstract_socket_is_open_to_the_hosts_network(ours: Subject) -> None:
    """CVE-2020-15257: sockets without a file are anybody's who is on the network namespace. Of
    those with one none is within reach: their folders are not in the container."""
    done = ours.docker("run", "--rm", "--network", "host", "busybox", "cat", "/proc/net/unix")
    names = [line.split()[-1] for line in done.stdout.splitlines() if len(line.split()) == 8]
    workspace = ours.daemon.workspace.path.name
    assert any(workspace in name for name in names)  # the engine's are seen
    assert [n for n in names if n.startswith("@") and ("containerd" in n or "runner" in n)] == []


def test_a_port_of_this_host_alone_is_not_the_neighbours(ours: Subject) -> None:
    """What is published on 127.0.0.1 was reached by containers of other networks, and by the host's
    neighbours, at the container's own address (before moby 28)."""
    ours.docker("network", "create", "elsewhere")
    web = ["sh", "-c", "echo secret >/tmp/index.html; exec httpd -f -h /tmp"]
    ours.docker("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "busybox", *web)
    ask = ("exec", "web", "wget", "-q", "-O", "-", "http://127.0.0.1/")
    assert eventually(lambda: ours.docker(*ask).stdout == "secret\n")
    settings = ours.inspect("web")["NetworkSettings"]
    port = settings["Ports"]["80/tcp"][0]["HostPort"]
    network = settings["Networks"]["bridge"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
        assert page.read() == b"secret\n"
    for place in (f"{network['Gateway']}:{port}", f"{network['IPAddress']}:80"):
        reach = ["wget", "-T", "2", "-q", "-O", "-", f"http://{place}/"]
        done = ours.docker("run", "--rm", "--network", "elsewhere", "busybox", *reach)
        assert "secret" not in done.stdout
        assert done.returncode == 1
