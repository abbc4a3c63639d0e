"""Docker's json-file format (moby daemon/logger/jsonfilelog/jsonlog).

    {"log":"hi\\n","stream":"stdout","attrs":{…},"time":"2026-01-02T03:04:05.678901234Z"}

A batch is encoded in one go: the whole of its bytes is escaped, then each newline is replaced by
the end of one record and the start of the next. That is some ten times faster than a loop over
lines, and with a container that writes as fast as it can this is where the engine's time goes.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from runner.logs.message import Message
from runner.types.times import format_ns, parse_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.logs.message import Batch, Stream

_CONTROLS: Final = bytes(code for code in range(0x20) if code != ord("\n"))
_SPECIAL: Final = _CONTROLS + b'"\\<>&'
_NOT_CONTROLS: Final = bytes(code for code in range(0x100) if code not in _CONTROLS)
_REPLACEMENTS: Final = (
    (b"\\", b"\\\\"),  # first, as the others bring backslashes
    (b'"', b'\\"'),
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    (b"\r", b"\\r"),
)
_INVALID: Final = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, one by one, as utf8.DecodeRune takes them."""
_BLOCK: Final = 128 * 1024


def encode_batch(batch: Batch, attrs: bytes) -> bytes:
    """The records of a batch, a line of JSON each. `attrs` is the driver's `encode_attrs`."""
    time = format_ns(batch.timestamp_ns).encode()
    end = b'","stream":"' + batch.stream.encode() + b'"' + attrs + b',"time":"' + time + b'"}\n'
    escaped = _escape(batch.data)
    last = b"\\n" if escaped.endswith(b"\n") else b""
    records = escaped.removesuffix(b"\n").replace(b"\n", b"\\n" + end + b'{"log":"')
    return b'{"log":"' + records + last + end


def encode_attrs(attrs: Mapping[str, str]) -> bytes:
    """The `attrs` member with its comma, or nothing. Keys sorted, escaped as encoding/json does."""
    if not attrs:
        return b""
    text = json.dumps(attrs, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return b',"attrs":' + _go_escape(text)


def _go_escape(text: str) -> bytes:
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace")


def _escape(data: bytes) -> bytes:
    """The inside of a JSON string, newlines left alone."""
    if len(data.translate(None, _SPECIAL)) != len(data):
        for plain, escape in _REPLACEMENTS:
            data = data.replace(plain, escape)
        for code in set(data.translate(None, _NOT_CONTROLS)):
            data = data.replace(bytes([code]), b"\\u%04x" % code)
    return data if data.isascii() else _escape_unicode(data)


def _escape_unicode(data: bytes) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = _INVALID.sub(r"\\ufffd", data.decode("utf-8", "surrogateescape"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


class _Record(msgspec.Struct):
    """A line of the file. Docker leaves out `log` and `stream` when they are empty."""

    time: str
    log: str = ""
    stream: str = ""
    attrs: dict[str, str] | None = None


_parse_time = functools.lru_cache(maxsize=64)(parse_ns)
"""The lines of one read share their time."""

_decoder = msgspec.json.Decoder(_Record)


def decode_record(line: bytes) -> Message:
    """A line of the file as a message. Raises ValueError when it is not one, torn for instance."""
    try:
        record = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise ValueError(f"not a log record: {err}") from err
    stream: Stream = "stderr" if record.stream == "stderr" else "stdout"
    return Message(
        record.log.encode("utf-8", "replace"),
        stream,
        _parse_time(record.time),
        attrs=record.attrs or {},
    )


class JSONLines:
    """The format as a codec; `attrs` go into every record."""

    def __init__(self, attrs: Mapping[str, str]) -> None:
        self._attrs = encode_attrs(attrs)

    def encode(self, batch: Batch) -> bytes:
        """See Codec."""
        return encode_batch(batch, self._attrs)

    def fill(self, records: bytes, room: int) -> int:
        """See Codec."""
        return records.find(b"\n", max(room - 1, 0)) + 1 or len(records)

    def decode(self, data: bytes, *, last: bool) -> tuple[list[Message], int]:
        """See Codec. A line that is no record, torn by a crash for instance, is left out."""
        end = len(data) if last else data.rfind(b"\n") + 1
        messages = []
        for line in data[:end].split(b"\n"):
            if line:
                with contextlib.suppress(ValueError):
                    messages.append(decode_record(line))
        return messages, end

    def tail(self, file: BinaryIO, end: int, count: int) -> tuple[int, int]:
        """See Codec."""
        if end == 0:
            return 0, 0
        position, missing = end - 1, count  # the newline that ends the last line starts no other
        while position > 0:
            start = max(position - _BLOCK, 0)
            data = os.pread(file.fileno(), position - start, start)
            newlines = data.count(b"\n")
            if newlines >= missing:
                at = len(data)
                for _ in range(missing):
                    at = data.rfind(b"\n", 0, at)
                return start + at + 1, count
            missing -= newlines
            position = start
        return 0, count - missing + 1

    def mend(self, fd: int) -> None:
        """See Codec. The torn line goes: dockerd would read no further than to it."""
        end = size = os.fstat(fd).st_size
        while end > 0:
            start = max(end - _BLOCK, 0)
            if (newline := os.pread(fd, end - start, start).rfind(b"\n")) >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(fd, end)
