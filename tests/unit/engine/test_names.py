"""Names that users give, and names that are given to them."""

import re

import pytest

from runner.engine import names
from runner.engine.name_words import ADJECTIVES, SURNAMES
from runner.types.errors import Conflict, InvalidParameter


class Taken:
    """Names of other containers."""

    def __init__(self, *taken: str) -> None:
        self.owners = dict.fromkeys(taken, "other")
        self.asked: list[str] = []

    def reserve_name(self, container_id: str, name: str) -> None:
        self.asked.append(name)
        if self.owners.setdefault(name, container_id) != container_id:
            raise Conflict("taken")


class All(Taken):
    """Every name but one is somebody's."""

    def __init__(self, free: str) -> None:
        super().__init__()
        self.free = free

    def reserve_name(self, container_id: str, name: str) -> None:
        self.asked.append(name)
        if name != self.free:
            raise Conflict("taken")


@pytest.mark.parametrize("name", ["ab", "/ab", "a.", "A_b-c.0", "a" * 300, "0x"])
def test_good(name: str) -> None:
    assert names.validate_name(name) == name.removeprefix("/")


@pytest.mark.parametrize(
    "name", ["", "/", "a", "_a", "-a", ".a", "a b", "//ab", "ab/c", "é1", "ab\n", "a\0b"]
)
def test_bad(name: str) -> None:
    text = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
    with pytest.raises(InvalidParameter, match=f"^{re.escape(text)}$"):
        names.validate_name(name)


def test_a_chosen_name_is_reserved() -> None:
    taken = Taken("theirs")
    assert names.reserve(taken, "id", "/mine") == "mine"
    assert taken.owners["mine"] == "id"
    with pytest.raises(Conflict):
        names.reserve(taken, "id", "theirs")


def test_generated_names() -> None:
    assert re.fullmatch("[a-z]+_[a-z]+", names.generate_name())
    assert re.fullmatch("[a-z]+_[a-z]+[0-9]", names.generate_name(1))
    taken = Taken()
    name = names.reserve(taken, "id", "")
    assert taken.owners == {name: "id"}


def test_when_every_name_is_taken_the_short_id_is_one() -> None:
    identifier = names.generate_id()
    taken = All(free=identifier[:12])
    assert names.reserve(taken, identifier, "") == identifier[:12]
    assert len(taken.asked) == 7
    assert re.fullmatch("[a-z]+_[a-z]+", taken.asked[0])
    assert all(re.fullmatch("[a-z]+_[a-z]+[0-9]", name) for name in taken.asked[1:6])


def test_when_even_that_is_taken() -> None:
    with pytest.raises(Conflict):
        names.reserve(All(free="?"), "f" * 64, "")


def test_words() -> None:
    assert len(ADJECTIVES) >= 100
    assert len(SURNAMES) >= 200
    for words in (ADJECTIVES, SURNAMES):
        assert len(set(words)) == len(words)
        assert all(re.fullmatch("[a-z]{2,}", word) for word in words)
    assert not set(ADJECTIVES) & set(SURNAMES)
