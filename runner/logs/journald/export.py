"""The journal's export format, as it comes from journalctl.

An entry is a field after the other, encoded as in the native protocol, then an empty line. Sans
I/O. Source: systemd's JOURNAL_EXPORT_FORMATS.
"""

from __future__ import annotations

from typing import Final

Entry = dict[str, bytes]

_LENGTH: Final = 8


class ExportParser:
    """Makes entries of bytes, however they are cut up on the way."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Entry]:
        """The entries that `data` completes."""
        buffer = self._rest + data
        entries = []
        position = 0
        while (parsed := _parse_entry(buffer, position)) is not None:
            entry, position = parsed
            if entry:
                entries.append(entry)
        self._rest = buffer[position:]
        return entries


def _parse_entry(data: bytes, position: int) -> tuple[Entry, int] | None:
    """The entry there and where it ends, None while it has not all come."""
    entry: Entry = {}
    while (end := data.find(b"\n", position)) >= 0:
        if end == position:
            return entry, end + 1
        name, equals, value = data[position:end].partition(b"=")
        if equals:
            position = end + 1
        else:
            start = end + 1 + _LENGTH
            size = int.from_bytes(data[end + 1 : start], "little")
            position = start + size + 1
            if position > len(data):
                return None
            value = data[start : start + size]
        entry[name.decode("ascii", "replace")] = value
    return None
