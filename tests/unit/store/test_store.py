"""The store: names are unique, changes are whole, addresses are handed out once."""

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from runner.store import Store
from runner.types.errors import AlreadyExists, Conflict, InvalidParameter, System

SUBNET = IPv4Network("10.1.2.0/29")


@pytest.fixture
def store(tmp_path: Path):
    store = Store(tmp_path / "engine.db")
    yield store
    store.close()


def test_records_survive_reopening(tmp_path: Path) -> None:
    first = Store(tmp_path / "engine.db")
    first.containers.save("a" * 64, "web", b"{}")
    first.close()
    second = Store(tmp_path / "engine.db")
    assert second.containers.all() == [("a" * 64, b"{}")]
    second.close()


def test_a_name_belongs_to_one_container(store: Store) -> None:
    store.containers.save("a", "web", b"1")
    with pytest.raises(AlreadyExists):
        store.containers.save("b", "web", b"2")
    store.containers.save("a", "db", b"3")
    store.containers.save("b", "web", b"2")
    assert store.containers.all() == [("a", b"3"), ("b", b"2")]


def test_a_removal_is_a_leftover_or_did_not_happen(store: Store) -> None:
    store.containers.save("a", "web", b"1")
    with pytest.raises(RuntimeError), store.transaction():
        store.containers.delete("a")
        store.leftovers.add("a", b"left")
        raise RuntimeError
    assert store.containers.all() == [("a", b"1")]
    assert store.leftovers.all() == []


def test_two_engines_cannot_share_a_data_root(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="another engine"):
        Store(tmp_path / "engine.db")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "engine.db")
    store._database.connection.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(System, match="newer runner"):
        Store(tmp_path / "engine.db")


async def test_addresses_are_the_lowest_free(store: Store) -> None:
    taken = [await store.addresses.reserve("n", SUBNET, f"c{i}") for i in range(3)]
    assert taken == [IPv4Address(f"10.1.2.{i}") for i in (1, 2, 3)]
    await store.addresses.release("n", taken[1])
    assert await store.addresses.reserve("n", SUBNET, "x") == taken[1]


async def test_an_address_is_reserved_once(store: Store) -> None:
    wanted = IPv4Address("10.1.2.4")
    await store.addresses.reserve("n", SUBNET, "a", wanted)
    with pytest.raises(Conflict, match="Address already in use"):
        await store.addresses.reserve("n", SUBNET, "b", wanted)
    with pytest.raises(
        InvalidParameter, match=r"no configured subnet contains IP address 10\.9\.9\.9"
    ):
        await store.addresses.reserve("n", SUBNET, "b", IPv4Address("10.9.9.9"))


async def test_a_full_subnet_says_so(store: Store) -> None:
    for i in range(6):
        await store.addresses.reserve("n", SUBNET, f"c{i}")
    with pytest.raises(Conflict, match="no available IPv4 addresses"):
        await store.addresses.reserve("n", SUBNET, "late")
    store.addresses.release_all("c3")
    assert await store.addresses.reserve("n", SUBNET, "late") == IPv4Address("10.1.2.4")
