"""IDs and names of containers (moby daemon/names.go, pkg/namesgenerator)."""

from __future__ import annotations

import random
import re
from typing import Final, Protocol

from runner.engine.name_words import ADJECTIVES, SURNAMES
from runner.types.errors import Conflict, InvalidParameter
from runner.types.ids import generate_id, truncate_id

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_ATTEMPTS: Final = 6

_dice = random.SystemRandom()


class Names(Protocol):
    """Who has which name. `reserve_name` raises Conflict when another ID has it."""

    def reserve_name(self, container_id: str, name: str) -> None: ...


def validate_name(name: str) -> str:
    """The name without its leading slash. Raises InvalidParameter."""
    bare = name.removeprefix("/")
    if not _NAME.fullmatch(bare):
        raise InvalidParameter(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )
    return bare


def generate_name(attempt: int = 0) -> str:
    """A name such as `curious_noether`; from the second attempt on with a digit behind it."""
    digit = str(_dice.randrange(10)) if attempt else ""
    return f"{_dice.choice(ADJECTIVES)}_{_dice.choice(SURNAMES)}{digit}"


def reserve(names: Names, container_id: str, name: str) -> str:
    """Take the name for the container, or a generated one if it is empty; which it became.

    Raises InvalidParameter, Conflict.
    """
    if not name:
        return _generate_and_reserve(names, container_id)
    bare = validate_name(name)
    names.reserve_name(container_id, bare)
    return bare


def _generate_and_reserve(names: Names, container_id: str) -> str:
    """When all attempts meet names that are taken, the short ID is the name."""
    for attempt in range(_ATTEMPTS):
        name = generate_name(attempt)
        try:
            names.reserve_name(container_id, name)
        except Conflict:
            continue
        return name
    name = truncate_id(container_id)
    names.reserve_name(container_id, name)
    return name


__all__ = ["Names", "generate_id", "generate_name", "reserve", "truncate_id", "validate_name"]
