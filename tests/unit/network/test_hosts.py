"""/etc/hosts as dockerd writes it."""

from ipaddress import ip_address

import pytest

from runner.network.hosts import extra_hosts, hosts_text, own_names
from runner.types.errors import InvalidParameter, System

LOCALHOST = "127.0.0.1\tlocalhost\n"
IPV6 = (
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::\tip6-localnet\n"
    "ff00::\tip6-mcastprefix\n"
    "ff02::1\tip6-allnodes\n"
    "ff02::2\tip6-allrouters\n"
)
ADDRESS = ip_address("172.30.0.2")


def test_nothing_but_localhost() -> None:
    assert hosts_text([], ipv6=True) == LOCALHOST + IPV6


def test_without_ipv6_none_of_its_addresses() -> None:
    records = [(ip_address("::5"), "six"), (ADDRESS, "four")]
    assert hosts_text(records, ipv6=False) == f"{LOCALHOST}172.30.0.2\tfour\n"


@pytest.mark.parametrize(
    ("hostname", "domainname", "names"),
    [
        ("web", "", "web"),
        ("web.example.com", "", "web.example.com web"),
        ("web", "example.com", "web.example.com web"),
    ],
)
def test_own_names(hostname: str, domainname: str, names: str) -> None:
    assert list(own_names([ADDRESS], hostname, domainname)) == [(ADDRESS, names)]


def test_extra_hosts_in_their_order() -> None:
    entries = ["a:1.2.3.4", "b:host-gateway", "c:::1"]
    assert hosts_text(extra_hosts(entries, ADDRESS), ipv6=True) == (
        f"{LOCALHOST}{IPV6}1.2.3.4\ta\n172.30.0.2\tb\n::1\tc\n"
    )


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("a", 'bad format for add-host: "a"'),
        (":1.2.3.4", 'bad format for add-host: ":1.2.3.4"'),
        ("a:nowhere", 'invalid IP address in add-host: "nowhere"'),
    ],
)
def test_bad_extra_hosts(entry: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        list(extra_hosts([entry], None))
    assert str(refused.value) == message


def test_no_host_gateway() -> None:
    with pytest.raises(System, match="unable to derive the IP value for host-gateway"):
        list(extra_hosts(["a:host-gateway"], None))
