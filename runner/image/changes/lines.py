"""Lines to instructions (buildkit frontend/dockerfile/parser/parser.go, split_command.go)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from runner.image.changes.words import ESCAPE
from runner.types import gojson
from runner.types.errors import InvalidParameter

_SPACES = re.compile(r"[\t\v\f\r ]+")
_CONTINUED = re.compile(r"([^\\])\\[ \t]*$|^\\[ \t]*$")


@dataclass(frozen=True, slots=True)
class Instruction:
    """`KEYWORD --flag … rest`. `line` is where it begins, from 1."""

    keyword: str
    flags: tuple[str, ...]
    rest: str
    line: int
    original: str


def parse_lines(changes: list[str]) -> list[Instruction]:
    """The instructions in the changes, which may have several lines each.

    Raises InvalidParameter when there is none.
    """
    found: list[Instruction] = []
    pending, start = "", 0
    for number, line in enumerate("\n".join(changes).split("\n"), start=1):
        stripped = line.rstrip("\r")
        stripped = stripped if pending else stripped.lstrip()
        if stripped.lstrip().startswith("#") or not stripped.strip():
            continue
        start = start or number
        continued = _CONTINUED.search(stripped)
        if continued:
            pending += _CONTINUED.sub(r"\1", stripped)
            continue
        found.append(_parse_line(pending + stripped, start))
        pending, start = "", 0
    if pending:
        found.append(_parse_line(pending, start))
    if not found:
        raise InvalidParameter("file with no instructions")
    return found


def _parse_line(text: str, line: int) -> Instruction:
    keyword, *rest = _SPACES.split(text.strip(), maxsplit=1)
    flags, arguments = _split_flags(rest[0] if rest else "")
    return Instruction(keyword, flags, arguments.strip(), line, text)


def _split_flags(text: str) -> tuple[tuple[str, ...], str]:
    """The words with `--` before them, and what comes after (extractBuilderFlags)."""
    flags: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position].isspace():
            position += 1
        if not text.startswith("--", position):
            return tuple(flags), text[position:]
        word, position = _flag_word(text, position)
        if word == "--":
            return tuple(flags), text[position:]
        flags.append(word)


def _flag_word(text: str, position: int) -> tuple[str, int]:
    word: list[str] = []
    quote = ""
    while position < len(text):
        character = text[position]
        if not quote and character.isspace():
            break
        position += 1
        if character == ESCAPE:
            word.append(text[position : position + 1])
            position += 1
        elif not quote and character in "'\"":
            quote = character
        elif character == quote:
            quote = ""
        else:
            word.append(character)
    return "".join(word), position


def json_list(text: str) -> list[str] | None:
    """The text as a JSON array of strings, None when it is no JSON array.

    Raises InvalidParameter for an array of anything else.
    """
    if not text.startswith("["):
        return None
    try:
        parsed = gojson.decode(text)
    except msgspec.DecodeError:
        return None
    if not all(isinstance(item, str) for item in parsed):
        raise InvalidParameter(
            "when using JSON array syntax, arrays must be comprised of strings only"
        )
    return list(parsed)


def spaced_list(text: str) -> list[str]:
    """The text's words, white space between them."""
    return _SPACES.split(text) if text else []
