"""The store: names are unique, changes are whole, addresses are handed out once."""

from ipaddress import IPv4Network, IPv6Address
from pathlib import Path

import pytest

from runner.store import Store
from runner.types.errors import AlreadyExists, Conflict, NoSpace, System

HOSTS = list(IPv4Network("10.1.2.0/29").hosts())


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


def test_a_full_disk_is_said_and_the_next_change_is_one_of_its_own(store: Store) -> None:
    connection = store._database.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(NoSpace, match=r"engine\.db: no space left on device"):
        store.containers.save("a", "web", b"x" * 100_000)
    store.containers.save("b", "db", b"2")
    assert store.containers.all() == [("b", b"2")]


def test_two_engines_cannot_share_a_data_root(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="another engine"):
        Store(tmp_path / "engine.db")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "engine.db")
    store._database.connection.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(System, match="newer runner"):
        Store(tmp_path / "engine.db")


async def test_addresses_are_the_first_that_are_free(store: Store) -> None:
    addresses = store.addresses
    taken = [await addresses.reserve("n", HOSTS, f"c{i}") for i in range(6)]
    assert taken == HOSTS
    assert await addresses.reserve("n", HOSTS, "late") is None
    assert await addresses.reserve("m", HOSTS, "late") == HOSTS[0]
    assert addresses.owner("n", HOSTS[3]) == "c3"
    addresses.release_all("c3")
    await addresses.release("n", HOSTS[4])
    assert addresses.owner("n", HOSTS[3]) == ""
    assert [await addresses.reserve("n", HOSTS, "x") for _ in range(3)] == [*HOSTS[3:5], None]


async def test_addresses_of_both_families_survive_reopening(tmp_path: Path) -> None:
    address = IPv6Address("fd00::2")
    first = Store(tmp_path / "engine.db")
    assert await first.addresses.reserve("n", [address], "a") == address
    first.close()
    second = Store(tmp_path / "engine.db")
    assert await second.addresses.reserve("n", [address], "b") is None
    assert second.addresses.owners() == {"a"}
    second.close()
