"""The address pool in memory keeps the contract of all."""

from ipaddress import IPv4Address, IPv4Network

from runner.network.addresses import AddressPool, MemoryAddressPool

FIRST, SECOND = IPv4Network("10.0.0.0/30").hosts()


async def test_the_first_that_is_free() -> None:
    pool: AddressPool = MemoryAddressPool()
    assert await pool.reserve("n", [FIRST, SECOND], "a") == FIRST
    assert await pool.reserve("n", [FIRST], "b") is None
    assert await pool.reserve("n", [FIRST, SECOND], "b") == SECOND
    assert await pool.reserve("n", [FIRST, SECOND], "c") is None
    assert await pool.reserve("other", [FIRST, SECOND], "c") == FIRST
    assert (pool.owner("n", SECOND), pool.owner("n", IPv4Address("10.0.0.9"))) == ("b", "")
    await pool.release("n", FIRST)
    await pool.release("n", FIRST)
    assert await pool.reserve("n", [FIRST, SECOND], "c") == FIRST
