"""hosts, hostname and resolv.conf, byte for byte as dockerd writes them."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from runner.network import NetworkFiles, ResolutionConfig, Sandbox, write_initial, write_joined
from tests.support.subnets import used_networks

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.dockerd import Dockerd

pytestmark = pytest.mark.oracle

PLAIN = ResolutionConfig(hostname="")
HOST = replace(PLAIN, host_mode=True, hostname=socket.gethostname())
DNS = {"dns": ("1.1.1.1", "fd00::1"), "dns_search": ("a.example", "b.example")}

CASES: dict[str, tuple[str, ResolutionConfig]] = {
    "plain": ("", PLAIN),
    "qualified hostname": ("-h web.example.com", replace(PLAIN, hostname="web.example.com")),
    "domainname": (
        "-h web --domainname d.example",
        replace(PLAIN, hostname="web", domainname="d.example"),
    ),
    "dns": (
        (
            "--dns 1.1.1.1 --dns fd00::1 --dns-search a.example --dns-search b.example"
            " --dns-opt ndots:3"
        ),
        replace(PLAIN, **DNS, dns_options=("ndots:3",)),
    ),
    "loopback dns": (
        "--dns 127.0.0.1 --dns-search .",
        replace(PLAIN, dns=("127.0.0.1",), dns_search=(".",)),
    ),
    "extra hosts": (
        "--add-host a:1.2.3.4 --add-host b:host-gateway --add-host c:::1",
        replace(PLAIN, extra_hosts=("a:1.2.3.4", "b:host-gateway", "c:::1")),
    ),
    "none": ("--network none", PLAIN),
    "none with extra hosts": (
        "--network none --add-host a:1.2.3.4",
        replace(PLAIN, extra_hosts=("a:1.2.3.4",)),
    ),
    "host": ("--network host", HOST),
    "host with dns": ("--network host --dns 9.9.9.9", replace(HOST, dns=("9.9.9.9",))),
    "host with extra hosts": (
        "--network host --add-host a:1.2.3.4",
        replace(HOST, extra_hosts=("a:1.2.3.4",)),
    ),
    "without IPv6": ("--sysctl net.ipv6.conf.all.disable_ipv6=1", PLAIN),
}


@pytest.fixture(scope="module")
def _loaded(oracle: Dockerd, busybox_tar: Path) -> None:
    oracle.load(busybox_tar)


@pytest.mark.parametrize("case", CASES)
def test_the_same_files(case: str, oracle: Dockerd, _loaded: None, tmp_path: Path) -> None:
    flags, config = CASES[case]
    script = (
        "for f in hostname hosts resolv.conf; do cat /etc/$f; echo %%; done;"
        " test -e /sys/class/net/eth0 && ip -4 addr show eth0"
    )
    done = oracle.docker("run", "--rm", *flags.split(), "busybox", "sh", "-c", script)
    hostname, hosts, resolv_conf, addresses = done.stdout.split("%%\n")
    words = addresses.split() if "network host" not in flags else []
    found = [words[words.index("inet") + 1].split("/")[0]] if words else []

    files = NetworkFiles(tmp_path)
    config = replace(config, hostname=config.hostname or hostname.strip())
    sandbox = Sandbox("c", "", "", host=config.host_mode, ipv6="disable_ipv6" not in flags)
    gateway = _gateway(oracle)
    write_initial(files, config, gateway)
    write_joined(files, config, sandbox, addresses=found, host_gateway=gateway)
    assert files.hostname.read_text() == hostname
    assert files.hosts.read_text() == hosts
    assert files.resolv_conf.read_text() == resolv_conf


def _gateway(oracle: Dockerd) -> IPv4Address:
    shown = oracle.api("GET", "/v1.51/networks/bridge").json()
    gateway = IPv4Address(shown["IPAM"]["Config"][0]["Gateway"])
    assert any(gateway in network for network in used_networks())
    return gateway
