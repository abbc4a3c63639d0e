"""JSON through CPython's own C accelerators, without the `json` package in front of them.

Importing `json` (it brings `re` and `enum`) costs more than a whole request to the engine; the
accelerators beneath it are built in. Where they are missing, `json` itself does the work.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any


class _Grammar:
    """What the scanner asks of a JSONDecoder."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner's own scratch


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} has no JSON form")


_scan: Callable[[str, int], tuple[Any, int]]
_encode: Callable[[Any], Iterable[str]]
_quote: Callable[[str], str]
try:
    import _json
except ImportError:  # another interpreter than CPython
    import json

    _scan = json.JSONDecoder().raw_decode
    _encode = json.JSONEncoder(separators=(",", ":")).iterencode
    _quote = json.JSONEncoder(ensure_ascii=False).encode
else:
    _accelerated: Any = _json
    _scan = _accelerated.make_scanner(_Grammar())
    _quote = _accelerated.encode_basestring
    _encoder = _accelerated.make_encoder(
        None, _refuse, _json.encode_basestring_ascii, None, ":", ",", False, False, True
    )

    def _encode(value: Any) -> Iterable[str]:
        return _encoder(value, 0)  # type: ignore[no-any-return]


_WHITESPACE = " \t\r\n"


def loads(text: bytes | str) -> Any:
    """Parse one JSON document. Raises ValueError when it is not JSON."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = text.strip(_WHITESPACE)
    try:
        value, end = _scan(text, 0)
    except StopIteration as err:
        raise ValueError("not JSON") from err
    if end != len(text):
        raise ValueError("extra data after the JSON document")
    return value


def dumps(value: Any) -> str:
    """Compact JSON, ASCII only."""
    return "".join(_encode(value))


def documents(chunks: Iterator[bytes]) -> Iterator[Any]:
    """The documents of a stream that puts each on a line of its own, as the engine's streams do.

    Raises ValueError on a line that is not JSON.
    """
    pending = b""
    for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        yield from (loads(line) for line in lines if line.strip())
    if pending.strip():
        yield loads(pending)


def compact(value: Any) -> str:
    """JSON on one line, as Go's encoder writes it without HTML escaping."""
    if isinstance(value, dict):
        items = (f"{quote(key)}:{compact(item)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return quote(value)


def indent(value: Any, level: int = 0) -> str:
    """JSON laid out as Go's json.Indent does with four spaces: what `inspect` prints."""
    if not isinstance(value, dict | list) or not value:
        return quote(value)
    inner = "    " * (level + 1)
    if isinstance(value, dict):
        items = [f"{inner}{quote(key)}: {indent(item, level + 1)}" for key, item in value.items()]
    else:
        items = [inner + indent(item, level + 1) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(items) + f"\n{'    ' * level}{closing}"


def quote(value: Any) -> str:
    """A scalar or empty container as Go's encoder writes it without HTML escaping."""
    if not isinstance(value, str):
        return dumps(value)
    text = _quote(value)
    for separator in "\u2028\u2029":  # line ends to JavaScript, so Go escapes them
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    return text


def escape_html(text: str) -> str:
    """JSON with what HTML gives a meaning escaped, as Go's Marshal does: only texts have that."""
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
