"""Which port is given away next, and who stands in whose way."""

from ipaddress import ip_address

import pytest

from runner.network.ip import IPAddress
from runner.network.port_allocator import AllPortsAllocated, PortAllocator, PortTaken
from runner.network.ports import ANY4, ANY6

LOCAL = ip_address("127.0.0.1")
OTHER = ip_address("10.0.0.1")


def allocator() -> PortAllocator:
    return PortAllocator((32768, 32770), frozenset({32769}))


def test_a_port_is_given_once() -> None:
    ports = allocator()
    assert ports.request((ANY4, ANY6), "tcp", 8080, 8080) == 8080
    with pytest.raises(PortTaken) as taken:
        ports.request((ANY4, ANY6), "tcp", 8080, 8080)
    assert str(taken.value) == "Bind for 0.0.0.0:8080 failed: port is already allocated"


def test_protocols_do_not_meet() -> None:
    ports = allocator()
    ports.request((ANY4,), "tcp", 53, 53)
    assert ports.request((ANY4,), "udp", 53, 53) == 53


@pytest.mark.parametrize(("first", "second"), [(ANY4, LOCAL), (LOCAL, ANY4), (LOCAL, LOCAL)])
def test_every_address_stands_for_each(first: IPAddress, second: IPAddress) -> None:
    ports = allocator()
    ports.request((first,), "tcp", 80, 80)
    with pytest.raises(PortTaken, match=f"Bind for {first}:80 failed"):
        ports.request((second,), "tcp", 80, 80)


def test_different_addresses_do_not_meet() -> None:
    ports = allocator()
    ports.request((LOCAL,), "tcp", 80, 80)
    assert ports.request((OTHER,), "tcp", 80, 80) == 80
    assert ports.request((ANY6,), "tcp", 80, 80) == 80


def test_released_ports_come_back() -> None:
    ports = allocator()
    ports.request((ANY4,), "tcp", 80, 80)
    ports.release((ANY4,), "tcp", 80)
    ports.release((ANY4,), "tcp", 80)
    assert ports.request((LOCAL,), "tcp", 80, 80) == 80


def test_dynamic_ports_go_on_and_around_without_reserved_ones() -> None:
    ports = allocator()
    assert ports.request((ANY4,), "tcp", 0, 0) == 32768
    assert ports.request((ANY4,), "tcp", 0, 0) == 32770
    with pytest.raises(AllPortsAllocated) as none_left:
        ports.request((ANY4,), "tcp", 0, 0)
    assert str(none_left.value) == "all ports are allocated"
    ports.release((ANY4,), "tcp", 32768)
    assert ports.request((ANY4,), "tcp", 0, 0) == 32768


def test_a_released_dynamic_port_is_not_given_at_once_again() -> None:
    ports = PortAllocator((40000, 40002))
    first = ports.request((ANY4,), "tcp", 0, 0)
    ports.release((ANY4,), "tcp", first)
    assert ports.request((ANY4,), "tcp", 0, 0) == first + 1


def test_a_range_skips_what_any_address_has() -> None:
    ports = allocator()
    ports.request((LOCAL,), "tcp", 8000, 8000)
    assert ports.request((ANY4, ANY6), "tcp", 8000, 8001) == 8001
    with pytest.raises(AllPortsAllocated):
        ports.request((ANY4,), "tcp", 8000, 8001)


def test_reserved_ports_may_be_asked_for() -> None:
    assert allocator().request((ANY4,), "tcp", 32769, 32769) == 32769
