"""What is asked of a network's subnets, refused with dockerd's words."""

import pytest

from runner.engine.network_create import validate_ipam
from runner.types.errors import InvalidParameter
from runner.types.network import IPAM, IPAMConfig


def problems(*configs: IPAMConfig, ipv6: bool = True) -> list[str]:
    try:
        validate_ipam(IPAM(config=list(configs)), ipv6=ipv6)
    except InvalidParameter as err:
        title, *lines = str(err).splitlines()
        assert title == "invalid network config:"
        return lines
    return []


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (IPAMConfig("10.0.0.0"), "invalid subnet 10.0.0.0: invalid CIDR block notation"),
        (IPAMConfig("10.0.0.0/08"), "invalid subnet 10.0.0.0/08: invalid CIDR block notation"),
        (
            IPAMConfig(f"10.0.0.0/{'1' * 5000}"),
            f"invalid subnet 10.0.0.0/{'1' * 5000}: invalid CIDR block notation",
        ),
        (IPAMConfig("10.0.0.9/8"), "invalid subnet 10.0.0.9/8: it should be 10.0.0.0/8"),
        (
            IPAMConfig("10.0.0.0/8", ip_range="fd00::/64"),
            "invalid ip-range fd00::/64: parent subnet is an IPv4 block",
        ),
        (
            IPAMConfig("fd00::/64", gateway="10.0.0.1"),
            "invalid gateway 10.0.0.1: parent subnet is an IPv6 block",
        ),
        (
            IPAMConfig("10.0.0.0/24", aux_addresses={"a": "10.0.1.0"}),
            "invalid auxiliary address a: parent subnet 10.0.0.0/24 doesn't contain this address",
        ),
        (IPAMConfig("10.0.0.0/24", gateway="x"), "invalid gateway x: invalid address"),
    ],
)
def test_a_problem(config: IPAMConfig, problem: str) -> None:
    assert problems(config) == [problem]


def test_several_problems_are_a_list() -> None:
    config = IPAMConfig("10.0.0.0/24", ip_range="10.1.1.1/16", gateway="10.2.0.0")
    assert problems(config) == [
        "* invalid ip-range 10.1.1.1/16: CIDR block is bigger than its parent subnet 10.0.0.0/24",
        "* invalid ip-range 10.1.1.1/16: it should be 10.1.0.0/16",
        "* invalid ip-range 10.1.1.1/16: parent subnet 10.0.0.0/24 doesn't contain ip-range",
        "* invalid gateway 10.2.0.0: parent subnet 10.0.0.0/24 doesn't contain this address",
    ]


def test_of_ipv6_nothing_is_asked_where_it_is_off() -> None:
    assert problems(IPAMConfig("fd00::9/64"), ipv6=False) == []
    assert len(problems(IPAMConfig("fd00::9/64"))) == 1
