"""Messages are encoded as the kernel reads them, and its answers are read back."""

import errno
import socket
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.network import rtnetlink as rt
from runner.network.netlink import Message, Netlink, attribute, attributes, text


def test_attributes_are_padded_to_four_bytes() -> None:
    assert attribute(3, b"abcde") == b"\x09\x00\x03\x00abcde\0\0\0"
    assert text(3, "lo") == b"\x07\x00\x03\x00lo\0\0"


@given(st.dictionaries(st.integers(1, 0x3FFF), st.binary(max_size=40), max_size=6))
def test_attributes_are_read_back(wanted: dict[int, bytes]) -> None:
    data = b"".join(attribute(kind, value) for kind, value in wanted.items())
    assert attributes(data) == wanted


@given(st.binary(max_size=60))
def test_any_bytes_end(data: bytes) -> None:
    attributes(data)


def test_an_address_is_read_back() -> None:
    wanted = IPv4Interface("172.30.0.2/16")
    assert rt.parse_address(rt.new_address(7, wanted).payload) == (7, wanted)


def test_this_host_s_loopback() -> None:
    with Netlink() as host:
        link = rt.parse_link(host.ask(rt.get_link("lo")))
        links = [rt.parse_link(answer) for answer in host.dump(rt.get_links())]
    assert (link.index, link.name, link.master) == (1, "lo", 0)
    assert link in links
    assert {name for _, name in socket.if_nameindex()} >= {found.name for found in links} - {""}


def test_routes_are_networks() -> None:
    with Netlink() as host:
        found = [rt.parse_route(answer) for answer in host.dump(rt.get_routes())]
    assert any(route.subnet_of(IPv4Network("127.0.0.0/8")) for route in found)


def test_a_kernel_s_refusal() -> None:
    with Netlink() as host:
        with pytest.raises(OSError, match="No such device") as refused:
            host.ask(rt.get_link("no-such-link"))
        assert refused.value.errno == errno.ENODEV
        with pytest.raises(OSError) as unsupported:
            host.execute(Message(0xFFF0, 0, b""))
        assert unsupported.value.errno in (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL)
        host.execute()  # nothing to do, nothing to wait for


def test_a_default_route_names_its_gateway() -> None:
    assert rt.parse_route(rt.new_default_route(IPv4Address("10.0.0.1")).payload) == IPv4Network(
        "0.0.0.0/0"
    )
