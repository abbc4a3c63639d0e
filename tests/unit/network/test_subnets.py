"""A subnet that nothing on the host uses."""

from ipaddress import IPv4Interface, IPv4Network

import pytest

from runner.network.subnets import choose_subnet
from runner.types.errors import System


def routes(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


def test_the_first_pool() -> None:
    assert choose_subnet([]) == IPv4Interface("172.30.0.1/16")


def test_a_default_route_leads_everywhere_and_occupies_nothing() -> None:
    assert choose_subnet(routes("0.0.0.0/0")) == IPv4Interface("172.30.0.1/16")


@pytest.mark.parametrize("route", ["172.30.0.0/16", "172.30.7.0/24", "172.30.255.255/32"])
def test_what_a_route_leads_to_is_left_alone(route: str) -> None:
    assert choose_subnet(routes("0.0.0.0/0", route)) == IPv4Interface("172.31.0.1/16")


def test_wide_routes() -> None:
    assert choose_subnet(routes("172.16.0.0/12")) == IPv4Interface("192.168.0.1/20")


def test_all_taken() -> None:
    with pytest.raises(System, match="fully subnetted"):
        choose_subnet(routes("172.16.0.0/12", "192.168.0.0/16"))
