"""Subnets that touch nothing, and the addresses that may be handed out of them."""

from ipaddress import IPv4Network, ip_address, ip_network
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.network import ipam
from runner.network.ipam import Surroundings
from runner.network.records import Pool
from runner.types.errors import Forbidden, InvalidParameter, System
from runner.types.network import IPAMConfig

NOTHING = Surroundings((), (), "host")


def around(*subnets: str, occupied: tuple[str, ...] = ()) -> Surroundings:
    pools = tuple(Pool(subnet) for subnet in subnets)
    return Surroundings(pools, tuple(map(ip_network, occupied)), "host")


def test_the_first_predefined_one_that_is_free() -> None:
    anything = IPAMConfig()
    assert ipam.request_pool(anything, 4, NOTHING).subnet == "172.18.0.0/16"
    taken = around("172.18.0.0/24", occupied=("172.19.5.5/32", "172.20.0.0/14", "0.0.0.0/0"))
    assert ipam.request_pool(anything, 4, taken).subnet == "172.24.0.0/16"
    full = around("172.16.0.0/12", occupied=("192.168.0.0/17",))
    assert ipam.request_pool(anything, 4, full).subnet == "192.168.128.0/20"
    with pytest.raises(InvalidParameter, match="fully subnetted"):
        ipam.request_pool(anything, 4, around("172.16.0.0/12", "192.168.0.0/16"))


def test_ipv6_subnets_are_the_host_s_own() -> None:
    first = ipam.request_pool(IPAMConfig(), 6, NOTHING).subnet
    other = ipam.request_pool(IPAMConfig(), 6, Surroundings((), (), "another")).subnet
    second = ipam.request_pool(IPAMConfig(), 6, around(first)).subnet
    assert len({first, other, second}) == 3
    assert ip_network(first).prefixlen == 64
    assert ip_network(first).supernet(new_prefix=48) == ip_network(second).supernet(new_prefix=48)
    assert ip_network(first).subnet_of(ip_network("fd00::/8"))  # type: ignore[arg-type]


def test_a_configured_subnet_must_touch_no_other() -> None:
    wanted = IPAMConfig(subnet="10.0.0.0/16")
    assert ipam.request_pool(wanted, 4, around("10.1.0.0/16")).subnet == "10.0.0.0/16"
    with pytest.raises(Forbidden, match="Pool overlaps with other one on this address space"):
        ipam.request_pool(wanted, 4, around("10.0.3.0/24"))


def test_the_gateway() -> None:
    pool = Pool("10.0.0.0/24", ip_range="10.0.0.128/28")
    assert ipam.choose_gateway(pool, "", wanted=True).gateway == "10.0.0.128"
    assert ipam.choose_gateway(pool, "10.0.0.9", wanted=False).gateway == "10.0.0.9"
    assert ipam.choose_gateway(pool, "", wanted=False).gateway == ""
    with pytest.raises(System, match=r"failed to allocate gateway \(10\.0\.0\.0\)"):
        ipam.choose_gateway(pool, "10.0.0.0", wanted=True)


def test_addresses_for_others_are_kept() -> None:
    pool = ipam.reserve_auxiliary(Pool("10.0.0.0/29", "10.0.0.1"), [("a", "10.0.0.2")], "front")
    assert [str(one) for one in ipam.candidates(pool)] == [f"10.0.0.{n}" for n in (3, 4, 5, 6)]
    assert not ipam.may_be_chosen(pool, ip_address("10.0.0.2"))
    with pytest.raises(System, match=r"failed to allocate secondary ip address \(b:10\.0\.0\.1\)"):
        ipam.reserve_auxiliary(pool, [("b", "10.0.0.1")], "front")
    with pytest.raises(
        InvalidParameter,
        match=r"^non parsable secondary ip address \(c:\) passed for network front$",
    ):
        ipam.reserve_auxiliary(pool, [("c", "")], "front")


@given(st.integers(8, 32), st.integers(0, 2**32 - 1))
def test_candidates_are_of_the_subnet(length: int, number: int) -> None:
    subnet = IPv4Network((number, length), strict=False)
    found = list(islice(ipam.candidates(Pool(str(subnet))), 5))
    assert all(address in subnet for address in found)
    if length < 31:
        assert subnet.network_address not in found
        assert subnet.broadcast_address not in found


def test_a_great_subnet_takes_no_time() -> None:
    first = next(ipam.candidates(Pool("fd00::/64", "fd00::1")))
    assert str(first) == "fd00::2"
