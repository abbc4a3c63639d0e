"""Bindings as users write them become requests; what was bound becomes what inspect shows."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.network.ports import (
    ANY4,
    ANY6,
    BindRequest,
    PortRequest,
    Target,
    bind_requests,
    holders,
    parse_host_ip,
    parse_host_port,
    parse_port,
    port_map,
    port_requests,
)
from runner.network.records import PublishedPort
from runner.types.errors import InvalidParameter
from runner.types.network import PortBinding

HERE = ip_address("127.0.0.1")
BOTH = Target(IPv4Address("172.18.0.2"), IPv6Address("fd00::2"))


def binding(host_port: str = "", host_ip: str = "") -> PortBinding:
    return PortBinding(host_ip=host_ip, host_port=host_port)


def test_bindings_of_exposed_ports_are_requested() -> None:
    assert port_requests(
        ["80/tcp", "53/udp", "81/tcp"],
        {"80/tcp": [binding("8080", "127.0.0.1"), binding("8000-8010")], "53/udp": [binding()]},
    ) == (
        PortRequest("udp", 53),
        PortRequest("tcp", 80, HERE, 8080, 8080),
        PortRequest("tcp", 80, None, 8000, 8010),
    )


def test_what_is_not_exposed_is_not_published() -> None:
    assert port_requests([], {"80/tcp": [binding("8080")]}) == ()


def test_publish_all_takes_what_has_no_binding() -> None:
    assert port_requests(["80/tcp", "81/tcp"], {"80/tcp": [binding("8080")]}, publish_all=True) == (
        PortRequest("tcp", 80, None, 8080, 8080),
        PortRequest("tcp", 81),
    )


@pytest.mark.parametrize("bindings", [None, {}, {"80/tcp": None}, {"80/tcp": []}])
def test_no_bindings(bindings: dict[str, list[PortBinding] | None] | None) -> None:
    assert port_requests(["80/tcp"], bindings) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", (80, "tcp")),
        ("80/tcp", (80, "tcp")),
        ("80/UDP", (80, "udp")),
        ("80/sctp", (80, "sctp")),
        ("0/tcp", (0, "tcp")),
    ],
)
def test_container_ports(text: str, expected: tuple[int, str]) -> None:
    assert parse_port(text) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "65536", "80/icmp", "80-81/tcp", "٣/tcp", "8 0"])
def test_bad_container_ports(text: str) -> None:
    with pytest.raises(InvalidParameter, match="invalid port specification"):
        parse_port(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0)),
        ("0", (0, 0)),
        ("8080", (8080, 8080)),
        ("8000-8010", (8000, 8010)),
        ("8080/tcp", (8080, 8080)),
        ("65535", (65535, 65535)),
    ],
)
def test_host_ports(text: str, expected: tuple[int, int]) -> None:
    assert parse_host_port(text) == expected


@pytest.mark.parametrize(
    "text", ["x", "-1", "8080-", "9-8", "99999", "1-2-3", "0-5", "+80", " 80", "8_0", "1" * 5000]
)
def test_bad_host_ports(text: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse_host_port(text)
    assert str(refused.value) == f'invalid port specification: "{text}"'


@given(st.text(max_size=12))
def test_a_host_port_is_read_or_refused(text: str) -> None:
    try:
        first, last = parse_host_port(text)
    except InvalidParameter:
        return
    assert 0 <= first <= last <= 65535


@given(st.integers(1, 65535), st.integers(1, 65535))
def test_every_range_is_read(one: int, other: int) -> None:
    first, last = sorted((one, other))
    assert parse_host_port(f"{first}-{last}") == (first, last)


def test_host_addresses() -> None:
    assert parse_host_ip("") is None
    assert parse_host_ip("::1") == ip_address("::1")
    assert parse_host_ip("::ffff:10.0.0.1") == ip_address("10.0.0.1")


@pytest.mark.parametrize("text", ["localhost", "1.2.3", "fe80::1%eth0", "[::1]"])
def test_bad_host_addresses_open_nothing(text: str) -> None:
    with pytest.raises(InvalidParameter):
        parse_host_ip(text)


def test_exact_ports_are_bound_before_ranges() -> None:
    requests = [
        PortRequest("tcp", 80),
        PortRequest("tcp", 81, None, 8000, 8001),
        PortRequest("tcp", 90, None, 8000, 8000),
    ]
    assert [bind.container_port for bind in bind_requests(requests, ipv6=False)] == [90, 80, 81]


def test_no_address_is_both_families() -> None:
    (both,) = bind_requests([PortRequest("tcp", 80)], ipv6=True)
    (one,) = bind_requests([PortRequest("tcp", 80)], ipv6=False)
    assert (both.addresses, one.addresses) == ((ANY4, ANY6), (ANY4,))


def test_addresses_of_one_request_share_a_port() -> None:
    other = ip_address("10.0.0.1")
    requests = [PortRequest("tcp", 80, HERE), PortRequest("tcp", 80, other)]
    assert bind_requests(requests, ipv6=True) == [BindRequest("tcp", 80, (other, HERE), 0, 0)]


requests_strategy = st.builds(
    PortRequest,
    protocol=st.sampled_from(["tcp", "udp", "sctp"]),
    container_port=st.integers(1, 4),
    host_ip=st.sampled_from([None, HERE, ip_address("::1")]),
    host_port=st.just(0),
    host_port_end=st.just(0),
)


@given(st.lists(requests_strategy, max_size=12))
def test_every_request_is_bound_once(requests: list[PortRequest]) -> None:
    bound = [
        (bind.protocol, bind.container_port, address)
        for bind in bind_requests(requests, ipv6=False, target=BOTH)
        for address in bind.addresses
    ]
    wanted = {(r.protocol, r.container_port, r.host_ip or ANY4) for r in requests}
    assert len(bound) == len(set(bound))
    assert set(bound) == wanted


def test_inspect_shows_exposed_and_published_ports() -> None:
    published = [
        PublishedPort("tcp", 80, "0.0.0.0", 8080),
        PublishedPort("tcp", 80, "::", 8080),
    ]
    assert port_map(["81/tcp", "80/tcp"], published) == {
        "80/tcp": [binding("8080", "0.0.0.0"), binding("8080", "::")],
        "81/tcp": None,
    }


@pytest.mark.parametrize(
    ("request_", "in_the_way"),
    [
        (PortRequest("tcp", 80, None, 8080, 8080), {"web", "inner"}),
        (PortRequest("tcp", 80, ANY4, 8080, 8080), {"web", "inner"}),
        (PortRequest("tcp", 80, HERE, 8080, 8080), {"web", "inner"}),
        (PortRequest("tcp", 80, ip_address("10.0.0.1"), 8080, 8080), {"web"}),
        (PortRequest("tcp", 80, ANY6, 8080, 8080), set()),
        (PortRequest("udp", 80, None, 8080, 8080), set()),
        (PortRequest("tcp", 80, None, 8080, 8081), set()),
        (PortRequest("tcp", 80, None, 8079, 8080), {"web", "inner", "mate"}),
        (PortRequest("tcp", 80), set()),
    ],
)
def test_who_is_in_the_way_of_a_request(request_: PortRequest, in_the_way: set[str]) -> None:
    published = [
        ("web", PublishedPort("tcp", 80, "0.0.0.0", 8080)),
        ("inner", PublishedPort("tcp", 80, "127.0.0.1", 8080)),
        ("mate", PublishedPort("tcp", 80, "::", 8079)),
    ]
    assert holders([request_], published) == in_the_way
