"""The WWW-Authenticate header (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SCHEME = re.compile(rf"\s*({_WORD})")
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*,?')
_STRENGTH = ("bearer", "basic")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry asks for; scheme and parameter names in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse(headers: Iterable[str]) -> list[Challenge]:
    """The challenges that we can answer, the strongest first. Unreadable ones are left out."""
    challenges = [challenge for header in headers if (challenge := _parse_one(header))]
    return sorted(challenges, key=lambda challenge: _STRENGTH.index(challenge.scheme))


def _parse_one(header: str) -> Challenge | None:
    scheme = _SCHEME.match(header)
    if scheme is None or scheme[1].lower() not in _STRENGTH:
        return None
    parameters: dict[str, str] = {}
    position = scheme.end()
    while found := _PARAMETER.match(header, position):
        name, quoted, bare = found.groups()
        parameters[name.lower()] = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        position = found.end()
    return Challenge(scheme[1].lower(), parameters)
