"""Who is called what, as a container sees it."""

from ipaddress import ip_address

from runner.network.names import NameTable
from runner.network.records import Endpoint


def endpoint(
    name: str, network: str, number: int, *aliases: str, links: tuple[tuple[str, str], ...] = ()
) -> Endpoint:
    return Endpoint(
        network_id=network,
        id=f"{name}-{network}",
        name=name,
        interface="",
        address=f"10.0.{ord(network[0])}.{number}",
        prefix_len=24,
        gateway="",
        mac_address="",
        network=network,
        address6=f"fd00::{number}",
        names=(name, *aliases),
        links=links,
    )


WEB, DB = endpoint("web", "front", 2, "site"), endpoint("db", "back", 3)
TABLE = NameTable()
for one in (WEB, DB, endpoint("mate", "front", 4, "site"), endpoint("web", "my.net", 5)):
    TABLE.add(one)


def resolve(name: str, *seen: Endpoint) -> list[str] | None:
    found = TABLE.resolve(seen, name)
    return None if found is None else [str(address) for address in found]


def test_names_are_those_of_the_networks_that_one_is_on() -> None:
    assert resolve("web", WEB) == [WEB.address, "fd00::2"]
    assert resolve("WEB.", WEB) == resolve("web.Front", WEB) == resolve("web", WEB)
    assert resolve("db", WEB) is None
    assert resolve("db", WEB, DB) == [DB.address, "fd00::3"]
    assert resolve("web.back", WEB, DB) is None
    assert resolve("web.my.net", endpoint("x", "my.net", 9)) == ["10.0.109.5", "fd00::5"]


def test_an_alias_of_several() -> None:
    assert len(resolve("site", WEB) or ()) == 4


def test_links_come_first_and_hide() -> None:
    linked = endpoint("x", "front", 9, links=(("db", "web"), ("mate", "nosuch")))
    assert resolve("db", linked) == resolve("web", WEB)
    assert resolve("mate", linked) is None


def test_addresses_lead_back() -> None:
    assert TABLE.name_of([WEB], ip_address(WEB.address)) == "web.front"
    assert TABLE.name_of([WEB], ip_address(DB.address)) == ""


def test_whoever_goes_is_forgotten() -> None:
    table = NameTable()
    table.add(WEB)
    table.remove(WEB)
    table.remove(WEB)
    assert table.resolve([WEB], "web") is None
    assert table.name_of([WEB], ip_address(WEB.address)) == ""
