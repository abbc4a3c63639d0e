"""Networks of the user's, with real containers: who reaches whom, by which name, and what stays."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support import firewall
from tests.support.apt import NoArchiveError
from tests.support.engine import Engine
from tests.support.netns import make_socket
from tests.support.toolchain import tool_root
from tests.support.workspace import ip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.containerd import Containerd

SLEEP: Final = ("busybox", "sleep", "1000")
WEB: Final = ("busybox", "sh", "-c", "echo $HOSTNAME > /tmp/index.html; exec httpd -f -h /tmp")
CROWD: Final = 50


def docker(engine: Engine, *words: str) -> str:
    done = engine.docker(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def run(engine: Engine, name: str, *words: str) -> str:
    return docker(engine, "run", "-d", "--name", name, "--hostname", name, *words)


def inspect(engine: Engine, name: str) -> dict[str, Any]:
    answer = engine.api("GET", f"/v1.51/containers/{name}/json")
    found: dict[str, Any] = answer.json()
    return found


def address(engine: Engine, name: str, network: str) -> str:
    found: str = inspect(engine, name)["NetworkSettings"]["Networks"][network]["IPAddress"]
    return found


def reaches(engine: Engine, name: str, target: str) -> bool:
    done = engine.docker("exec", name, "wget", "-q", "-T", "2", "-O", "-", f"http://{target}/")
    return done.returncode == 0


def lookup(engine: Engine, name: str, wanted: str, kind: str = "a") -> str:
    return engine.docker("exec", name, "nslookup", f"-type={kind}", wanted).stdout


def test_names_networks_and_the_world(busybox: Engine) -> None:
    """Containers reach each other by name on their own network, others not at all, and published
    ports from everywhere; an internal network leads nowhere."""
    for network in (["front"], ["back"], ["--internal", "inner"]):
        docker(busybox, "network", "create", *network)
    run(busybox, "web", "--network", "front", "--network-alias", "site", "-p", "80", *WEB)
    run(busybox, "mate", "--network", "front", *SLEEP)
    run(busybox, "stranger", "--network", "back", *SLEEP)
    run(busybox, "hidden", "--network", "inner", "-p", "80", *WEB)
    run(busybox, "confidant", "--network", "inner", *SLEEP)

    web, hidden = address(busybox, "web", "front"), address(busybox, "hidden", "inner")
    for name in ("web", "site", "WEB.front", inspect(busybox, "web")["Id"][:12]):
        assert reaches(busybox, "mate", name)
    assert f"Address: {web}" in lookup(busybox, "mate", "site")
    pointer = ".".join([*reversed(web.split(".")), "in-addr.arpa"])
    assert "web.front" in lookup(busybox, "mate", pointer, "ptr")
    assert "NXDOMAIN" in lookup(busybox, "stranger", "web")
    assert not reaches(busybox, "stranger", web)
    port = inspect(busybox, "web")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    gateway = inspect(busybox, "stranger")["NetworkSettings"]["Networks"]["back"]["Gateway"]
    for client in ("mate", "stranger"):
        assert reaches(busybox, client, f"{gateway}:{port}")
    for host in ("127.0.0.1", "[::1]", gateway):
        with urllib.request.urlopen(f"http://{host}:{port}/", timeout=5) as page:
            assert page.read() == b"web\n"

    assert reaches(busybox, "confidant", "hidden")
    assert not reaches(busybox, "stranger", hidden)
    assert not reaches(busybox, "confidant", f"{gateway}:{port}")
    assert docker(busybox, "exec", "hidden", "ip", "route", "show", "default") == (
        docker(busybox, "exec", "hidden", "ip", "route")
    )
    assert inspect(busybox, "hidden")["NetworkSettings"]["Ports"] == {}


def test_live_changes(busybox: Engine) -> None:
    """Interfaces come and go in a running container, and the way outside moves with its ports."""
    for network in ("front", "back"):
        docker(busybox, "network", "create", network)
    run(busybox, "web", "--network", "back", "-p", "80", *WEB)
    run(busybox, "mate", "--network", "front", *SLEEP)
    run(busybox, "other", "--network", "back", *SLEEP)
    assert not reaches(busybox, "mate", "web")
    docker(busybox, "network", "connect", "--alias", "late", "--gw-priority", "1", "front", "web")
    assert reaches(busybox, "mate", "late")
    assert reaches(busybox, "other", "web")
    assert set(inspect_stats(busybox, "web")) == {"eth0", "eth1"}
    assert "dev eth1" in docker(busybox, "exec", "web", "ip", "route", "show", "default")
    assert published(busybox, "web") == "web\n"
    docker(busybox, "network", "disconnect", "front", "web")
    assert "NXDOMAIN" in lookup(busybox, "mate", "late")
    assert "dev eth0" in docker(busybox, "exec", "web", "ip", "route")
    assert "eth1" not in docker(busybox, "exec", "web", "ip", "link")
    assert published(busybox, "web") == "web\n"
    docker(busybox, "network", "disconnect", "back", "web")
    assert inspect(busybox, "web")["NetworkSettings"]["Ports"] == {}
    docker(busybox, "network", "rm", "-f", "nosuch")


def inspect_stats(engine: Engine, name: str) -> dict[str, Any]:
    answer = engine.api("GET", f"/v1.51/containers/{name}/stats?stream=0&one-shot=1")
    found: dict[str, Any] = answer.json()["networks"]
    return found


def published(engine: Engine, name: str) -> str:
    port = inspect(engine, name)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
        text: str = page.read().decode()
    return text


def test_a_crowd(busybox: Engine) -> None:
    """Many start at once on one network; every name leads to its own address."""
    docker(busybox, "network", "create", "crowd")

    def start(number: int) -> None:
        body = {
            "Image": "busybox",
            "Cmd": ["sleep", "1000"],
            "HostConfig": {"NetworkMode": "crowd"},
            "NetworkingConfig": {"EndpointsConfig": {"crowd": {"Aliases": ["everybody"]}}},
        }
        target = f"/v1.51/containers/create?name=member{number}"
        assert busybox.api("POST", target, body).status == 201
        assert busybox.api("POST", f"/v1.51/containers/member{number}/start").status == 204

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(start, range(CROWD)))
    members = busybox.api("GET", "/v1.51/networks/crowd").json()["Containers"].values()
    addresses = {one["Name"]: one["IPv4Address"].partition("/")[0] for one in members}
    assert len(set(addresses.values())) == CROWD
    names = " ".join(f"member{number}" for number in range(CROWD))
    script = f"for name in {names}; do nslookup -type=a $name; done; nslookup -type=a everybody"
    told = docker(busybox, "exec", "member7", "sh", "-c", script)
    for name, own in addresses.items():
        assert f"Name:\t{name}\nAddress: {own}" in told
    # more than 512 bytes hold: so it was asked again by TCP, or was cut short
    assert told.count("Name:\teverybody") >= 25


def test_a_killed_engine_leaves_networks_working(busybox: Engine) -> None:
    """Names are away only until the next engine; nothing is lost or given away twice."""
    docker(busybox, "network", "create", "front")
    run(busybox, "web", "--network", "front", "-p", "80", *WEB)
    run(busybox, "mate", "--network", "front", *SLEEP)
    before = address(busybox, "web", "front"), published(busybox, "web")
    busybox.kill()
    port_ = before[0]
    assert ask_web(port_) == "web"
    busybox.start()
    assert (address(busybox, "web", "front"), published(busybox, "web")) == before
    assert reaches(busybox, "mate", "web")
    run(busybox, "later", "--network", "front", *SLEEP)
    assert len({address(busybox, name, "front") for name in ("web", "mate", "later")}) == 3
    assert reaches(busybox, "later", "web")
    docker(busybox, "network", "disconnect", "front", "mate")
    docker(busybox, "rm", "-f", "web", "mate", "later")
    docker(busybox, "network", "rm", "front")


def ask_web(host: str) -> str:
    with urllib.request.urlopen(f"http://{host}/", timeout=5) as page:
        text: str = page.read().decode()
    return text.strip()


def test_nothing_stays(busybox: Engine) -> None:
    """Of a network that is removed neither bridge nor rules; also when its engine is another."""
    created = [
        docker(busybox, "network", "create", "front"),
        docker(busybox, "network", "create", "--ipv6", "--internal", "back"),
        docker(busybox, "network", "create", "--ipv6", "both"),
    ]
    run(busybox, "web", "--network", "both", "--network", "front", "-p", "80", *WEB)
    bridges = [f"br-{identity[:12]}" for identity in created]
    assert all(naming(bridge) for bridge in bridges)
    busybox.kill()
    busybox.start()
    docker(busybox, "rm", "-f", "web")
    docker(busybox, "network", "rm", "front")
    docker(busybox, "network", "prune", "-f")
    assert not any(naming(bridge) for bridge in bridges)


def naming(bridge: str) -> list[str]:
    """Links and rules that bear a bridge's name."""
    rules = [
        line.text
        for program in ("iptables", "ip6tables")
        for line in firewall.save(program)
        if bridge in line.text
    ]
    return rules + [line for line in ip("-o", "link").splitlines() if bridge in line]


def test_both_families(busybox: Engine) -> None:
    docker(busybox, "network", "create", "--ipv6", "both")
    run(busybox, "web", "--network", "both", "-p", "80", "-p", "53/udp", *WEB)
    run(busybox, "mate", "--network", "both", *SLEEP)
    place = inspect(busybox, "web")["NetworkSettings"]["Networks"]["both"]
    own = place["GlobalIPv6Address"]
    assert own.startswith("fd")
    assert f"Address: {own}" in lookup(busybox, "mate", "web", "aaaa")
    assert reaches(busybox, "mate", f"[{own}]")
    ports = inspect(busybox, "web")["NetworkSettings"]["Ports"]["80/tcp"]
    assert [port["HostIp"] for port in ports] == ["0.0.0.0", "::"]
    for host in ("127.0.0.1", "[::1]", f"[{place['IPv6Gateway']}]"):
        with urllib.request.urlopen(f"http://{host}:{ports[0]['HostPort']}/", timeout=5) as page:
            assert page.read() == b"web\n"


def test_containers_that_shall_not_speak(busybox: Engine) -> None:
    """enable_icc=false keeps neighbours apart, and lets published ports through."""
    option = "com.docker.network.bridge.enable_icc=false"
    docker(busybox, "network", "create", "-o", option, "shy")
    run(busybox, "web", "--network", "shy", "-p", "80", *WEB)
    run(busybox, "mate", "--network", "shy", *SLEEP)
    place = inspect(busybox, "mate")["NetworkSettings"]["Networks"]["shy"]
    port = inspect(busybox, "web")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    assert not reaches(busybox, "mate", "web")
    assert reaches(busybox, "mate", f"{place['Gateway']}:{port}")


def test_a_name_server_of_the_container_s_own(busybox: Engine) -> None:
    """Port 53 is free for it on every address, the resolver's aside."""
    docker(busybox, "network", "create", "front")
    run(busybox, "dns", "--network", "front", *SLEEP)
    key = inspect(busybox, "dns")["NetworkSettings"]["SandboxKey"]
    with make_socket(key, socket.SOCK_DGRAM) as datagrams, make_socket(key) as stream:
        for listening in (datagrams, stream):
            listening.bind(("0.0.0.0", 53))
        assert f"Address: {address(busybox, 'dns', 'front')}" in lookup(busybox, "dns", "dns")


def test_a_flood_of_questions_does_not_stall_the_engine(busybox: Engine) -> None:
    docker(busybox, "network", "create", "front")
    run(busybox, "mate", "--network", "front", *SLEEP)
    key = inspect(busybox, "mate")["NetworkSettings"]["SandboxKey"]
    question = bytes.fromhex("abcd01000001000000000000046d6174650000010001")
    with make_socket(key, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.11", 53))
        client.settimeout(5)
        for _ in range(20000):
            with contextlib.suppress(OSError):
                client.send(question)
        began = time.monotonic()
        assert busybox.api("GET", "/_ping").status == 200
        assert time.monotonic() - began < 5
        assert client.recv(512)[:2] == question[:2]


@pytest.fixture
def cable(busybox: Engine) -> Iterator[str]:
    """An interface of the host's for macvlan networks."""
    name = f"mp{busybox.workspace.tag}"
    ip("link", "add", name, "type", "veth", "peer", "name", f"{name}p")
    for end in (name, f"{name}p"):
        ip("link", "set", end, "up")
    try:
        yield name
    finally:
        ip("link", "delete", name)


def test_macvlan(busybox: Engine, cable: str) -> None:
    subnet = ["--subnet", "10.203.0.0/24", "--gateway", "10.203.0.1"]
    docker(busybox, "network", "create", "-d", "macvlan", "-o", f"parent={cable}", *subnet, "lan")
    run(busybox, "web", "--network", "lan", "--ip", "10.203.0.20", *WEB)
    run(busybox, "mate", "--network", "lan", *SLEEP)
    assert reaches(busybox, "mate", "web")
    assert "default via 10.203.0.1" in docker(busybox, "exec", "web", "ip", "route")
    docker(busybox, "network", "create", "elsewhere")
    docker(busybox, "network", "connect", "elsewhere", "web")
    docker(busybox, "network", "disconnect", "lan", "web")
    assert "10.203" not in docker(busybox, "exec", "web", "ip", "route")


@pytest.fixture
def cni(busybox: Engine, tmp_path: Path) -> Iterator[list[str]]:
    """A bridge network as a host's CNI configuration defines it, and the options that name it."""
    try:
        plugins = tool_root("cni") / "usr/lib/cni"
    except NoArchiveError:
        pytest.skip("no CNI plugins on this host")
    bridge = f"cb{busybox.workspace.tag}"
    definition = {
        "cniVersion": "0.4.0",
        "name": "defined",
        "plugins": [
            {
                "type": "bridge",
                "bridge": bridge,
                "isGateway": True,
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(tmp_path / "leases"),
                    "ranges": [[{"subnet": "10.204.0.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    (tmp_path / "10-defined.conflist").write_text(json.dumps(definition))
    try:
        yield [
            *("-o", f"cni.conf-dir={tmp_path}"),
            *("-o", "cni.network=defined"),
            *("-o", f"cni.bin-dir={plugins}"),
        ]
    finally:
        ip("link", "delete", bridge, check=False)


def test_a_network_of_the_host_s_cni_configuration(
    busybox: Engine, cni: list[str], tmp_path: Path
) -> None:
    docker(busybox, "network", "create", "-d", "cni", *cni, "pods")
    run(busybox, "web", "--network", "pods", *WEB)
    run(busybox, "mate", "--network", "pods", *SLEEP)
    assert address(busybox, "web", "pods").startswith("10.204.0.")
    assert reaches(busybox, "mate", "web")
    assert "default via 10.204.0.1" in docker(busybox, "exec", "web", "ip", "route")
    mate = inspect(busybox, "mate")["Id"]
    refused = busybox.docker("run", "--rm", "--network", "pods", "-p", "80", *SLEEP)
    assert "none of its plugins has the capability portMappings" in refused.stderr
    docker(busybox, "network", "create", "front")
    run(busybox, "shop", "--network", "front", "-p", "80", *WEB)
    refused = busybox.docker("network", "connect", "--gw-priority", "5", "pods", "shop")
    assert "capability portMappings" in refused.stderr
    assert published(busybox, "shop") == "shop\n"  # the way outside is as it was
    assert list(inspect(busybox, "shop")["NetworkSettings"]["Networks"]) == ["front"]
    busybox.kill()
    busybox.ctr("tasks", "kill", "-s", "KILL", mate)
    busybox.start()
    docker(busybox, "rm", "-f", "web", "mate")
    docker(busybox, "network", "rm", "pods")
    leases = [one.name for one in (tmp_path / "leases" / "defined").iterdir()]
    assert not [name for name in leases if name.startswith("10.")]
    nowhere = busybox.docker("network", "create", "-d", "cni", *cni[:2], "nosuch")
    assert 'no CNI network "nosuch"' in nowhere.stderr


SLOW: Final = """\
#!/bin/sh
text=$(cat)
case "$text" in
*DNAT*) ;;
"*nat"*) sleep 2 ;;
esac
printf '%s\\n' "$text" | exec {program} "$@"
"""


@pytest.fixture
def slow_to_close(containerd: Containerd, busybox_tar: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine that takes its time to close the last published port."""
    program = shutil.which("iptables-restore", path=containerd.env["PATH"])
    wrapper = tmp_path / "iptables-restore"
    wrapper.write_text(SLOW.format(program=program))
    wrapper.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), containerd.env["PATH"]])
    with Engine(containerd, env={"PATH": path}) as started:
        started.load(busybox_tar)
        yield started


def test_a_port_of_a_removed_container_can_be_had_at_once(slow_to_close: Engine) -> None:
    """Ports are given back after the client of `rm` is told: who wants them waits for that."""
    with make_socket(None) as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    for name in ("old", "new"):
        docker(slow_to_close, "create", "--name", name, "-p", f"{port}:80", *SLEEP)
    assert slow_to_close.api("POST", "/v1.51/containers/old/start").status == 204
    assert slow_to_close.api("DELETE", "/v1.51/containers/old?force=1").status == 204
    answer = slow_to_close.api("POST", "/v1.51/containers/new/start")
    assert answer.status == 204, answer.json()
    assert str(port) in json.dumps(inspect(slow_to_close, "new")["NetworkSettings"]["Ports"])
