"""Comparing what two engines say: texts with the accidental taken out, JSON by shape and value."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.subject import Subject

_ADJECTIVE_SURNAME: Final = r"\b[a-z]+_[a-z]+\d?\b(?=\n|$)"

# In this order: the longer before what it contains.
_ACCIDENTS: Final = [
    (r"sha256:[0-9a-f]{64}", "DIGEST"),
    (r"/[^ ':]*/rt-[0-9a-f]{8}\b", "WORKSPACE"),
    (r"\b[0-9a-f]{64}\b", "ID"),
    (r"\b[0-9a-f]{12}\b(?!-)", "SHORT"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d{4}( UTC)?))?", "TIME"),
    (r"\b(Less than a second|About a \w+|\d+ (second|minute)s?)( ago)?", "AGO"),
    (r"\b198\.1[89]\.\d+\.\d+", "ADDRESS"),
    (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
    (r"\b(127\.0\.0\.1|0\.0\.0\.0|\[::\]):\d+\b", r"\1:PORT"),
    (_ADJECTIVE_SURNAME, "NAME"),
    (r" {2,}", "  "),  # columns are as wide as what was in them
]


def without_accidents(text: str) -> str:
    """The text, with IDs, times, addresses and made-up names by their kinds."""
    for pattern, replacement in _ACCIDENTS:
        text = re.sub(pattern, replacement, text)
    return text


def without_addresses(text: str) -> str:
    """The text with the IPv4 addresses that engines give to containers by their kind, too."""
    return re.sub(r"\b(?!127\.0\.0\.|0\.0\.0\.0)\d+\.\d+\.\d+\.\d+\b", "ADDRESS", text)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one command line came to."""

    command: str
    code: int
    stdout: str
    stderr: str


Commands = list["str | tuple[str, str]"]


def check(ours: Subject, dockerd: Subject, commands: Commands) -> None:
    """Assert that the command lines come to the same with both engines."""
    assert run(ours, commands) == run(dockerd, commands)


def run(subject: Subject, commands: Commands) -> list[Outcome]:
    """Run docker command lines one after the other; a pair has its standard input.

    Words are split at spaces, but for what is in single quotes.
    """
    return [_run_one(subject, command) for command in commands]


def _run_one(subject: Subject, command: str | tuple[str, str]) -> Outcome:
    line, given = command if isinstance(command, tuple) else (command, None)
    done = subject.docker(*words(line), input=given, timeout=60)
    return Outcome(
        line, done.returncode, without_accidents(done.stdout), without_accidents(done.stderr)
    )


def words(line: str) -> list[str]:
    """A command line's words."""
    return [a or b for a, b in re.findall(r"'([^']*)'|(\S+)", line)]


def differences(ours: Any, theirs: Any, intended: Mapping[str, str]) -> list[str]:
    """Where two JSON documents differ, a line each; `intended` maps paths to reasons.

    A path is like `HostConfig.Binds[]`; `*` stands for any one key. An intended difference that is
    none is reported as well.
    """
    patterns = {path: _pattern(path) for path in intended}
    found = list(_differ("", ours, theirs))
    unmatched = [
        f"{path}: ours {_short(left)}, dockerd's {_short(right)}"
        for path, left, right in found
        if not any(pattern.fullmatch(path) for pattern in patterns.values())
    ]
    stale = [
        f"{path}: is no difference any more ({intended[path]})"
        for path, pattern in patterns.items()
        if not any(pattern.fullmatch(path) for path, _, _ in found)
    ]
    return unmatched + stale


_ABSENT: Final = "<absent>"


def _differ(path: str, left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            below = f"{path}.{key}" if path else key
            yield from _differ(below, left.get(key, _ABSENT), right.get(key, _ABSENT))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for one, other in zip(left, right, strict=True):
            yield from _differ(f"{path}[]", one, other)
    elif type(left) is not type(right) or left != right:
        yield path, left, right


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\*", r"[^.]+"))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:120]}…"


def accidents_in(document: Any) -> Any:
    """The JSON document with the accidental taken out of its strings and keys."""
    match document:
        case dict():
            return {without_accidents(key): accidents_in(value) for key, value in document.items()}
        case list():
            return [accidents_in(value) for value in document]
        case str():
            return without_accidents(document)
        case _:
            return document
