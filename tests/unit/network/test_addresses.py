"""The address pool in memory keeps the contract of all."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from runner.network.addresses import AddressPool, MemoryAddressPool
from runner.types.errors import Conflict, InvalidParameter

SUBNET = IPv4Network("10.0.0.0/30")


async def test_lowest_free_preferred_and_none_left() -> None:
    pool: AddressPool = MemoryAddressPool()
    assert await pool.reserve("n", SUBNET, "a") == IPv4Address("10.0.0.1")
    with pytest.raises(Conflict, match="Address already in use"):
        await pool.reserve("n", SUBNET, "b", IPv4Address("10.0.0.1"))
    with pytest.raises(InvalidParameter):
        await pool.reserve("n", SUBNET, "b", IPv4Address("10.9.0.1"))
    assert await pool.reserve("n", SUBNET, "b", IPv4Address("10.0.0.2")) == IPv4Address("10.0.0.2")
    with pytest.raises(Conflict, match="no available IPv4 addresses"):
        await pool.reserve("n", SUBNET, "c")
    assert await pool.reserve("other", SUBNET, "c") == IPv4Address("10.0.0.1")
    await pool.release("n", IPv4Address("10.0.0.1"))
    await pool.release("n", IPv4Address("10.0.0.1"))
    assert await pool.reserve("n", SUBNET, "c") == IPv4Address("10.0.0.1")
