"""Which endpoint leads outside."""

import pytest

from runner.network.gateway import Candidate, Gateways, select
from runner.network.records import Endpoint


def candidate(
    name: str, *, priority: int = 0, internal: bool = False, leads: str = "46"
) -> Candidate:
    return Candidate(name, name, priority, internal, "4" in leads, "6" in leads)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([], ("", "")),
        ([candidate("b"), candidate("a")], ("a", "a")),
        ([candidate("b", priority=1), candidate("a")], ("b", "b")),
        ([candidate("b"), candidate("a", internal=True, leads="")], ("b", "b")),
        ([candidate("b"), candidate("a", leads="4")], ("b", "b")),
        ([candidate("b", leads="6"), candidate("a", leads="4")], ("a", "b")),
        ([candidate("b", leads="4", priority=1), candidate("a")], ("b", "a")),
    ],
)
def test_the_one_chosen(candidates: list[Candidate], chosen: tuple[str, str]) -> None:
    assert select(candidates) == chosen
    assert select(reversed(candidates)) == chosen


def endpoint(name: str, gateway: str, gateway6: str = "") -> Endpoint:
    return Endpoint(
        name, name, "c", "", "10.0.0.2", 24, gateway, "", network=name, gateway6=gateway6
    )


def test_ports_are_published_by_families() -> None:
    four, six = endpoint("a", "10.0.0.1"), endpoint("b", "", "fd00::1")
    alone, both = Gateways.of([four]), Gateways.of([four, six])
    assert alone.families(four) == (4, 6)
    assert (both.families(four), both.families(six)) == ((4,), (6,))
    assert Gateways.of([endpoint("c", "")]).families(endpoint("c", "")) == ()
