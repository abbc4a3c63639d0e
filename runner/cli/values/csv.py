"""One record of comma-separated values as Go's encoding/csv reads it."""

from __future__ import annotations


def fields(text: str) -> list[str]:
    """The fields of a record; quoted ones may hold commas, "" stands for one quote.

    Raises ValueError with Go's text.
    """
    if not text.strip("\n"):
        raise ValueError("EOF")
    out: list[str] = []
    position = 0
    while True:
        quoted = text.startswith('"', position)
        value, position = _quoted(text, position + 1) if quoted else _bare(text, position)
        out.append(value)
        if position >= len(text):
            return out
        position += 1  # the comma


def _bare(text: str, start: int) -> tuple[str, int]:
    end = text.find(",", start)
    end = len(text) if end == -1 else end
    value = text[start:end]
    if '"' in value:
        column = start + value.index('"') + 1
        raise ValueError(f'parse error on line 1, column {column}: bare " in non-quoted-field')
    return value, end


def _quoted(text: str, start: int) -> tuple[str, int]:
    value = ""
    while True:
        end = text.find('"', start)
        if end == -1:
            column = len(text) + 1
            raise ValueError(
                f'parse error on line 1, column {column}: extraneous or missing " in quoted-field'
            )
        value += text[start:end]
        if text.startswith('"', end + 1):
            value += '"'
            start = end + 2
            continue
        if end + 1 < len(text) and text[end + 1] != ",":
            raise ValueError(
                f'parse error on line 1, column {end + 1}: extraneous or missing " in quoted-field'
            )
        return value, end + 1


def values(text: str) -> list[str]:
    """The fields of a repeatable flag's value; an empty one has none (pflag StringSlice)."""
    return fields(text) if text else []
