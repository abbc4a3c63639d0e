"""JSON that comes from outside, read as Go's encoding/json reads it."""

from __future__ import annotations

import codecs
from typing import Any, Final, TypeVar, overload

import msgspec

T = TypeVar("T")

_REPLACING: Final = "runner.each-byte-replaced"


@overload
def decode(data: bytes | str) -> Any: ...
@overload
def decode(data: bytes | str, into: type[T]) -> T: ...
def decode(data: bytes | str, into: Any = Any) -> Any:
    """The value; each byte that is not of UTF-8 is replaced by U+FFFD.

    Raises msgspec.DecodeError, also for what is nested too deeply, and its ValidationError for a
    value of another type.
    """
    try:
        return _decode(data, into)
    except UnicodeError:
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        return _decode(raw.decode("utf-8", _REPLACING), into)


def _decode(data: bytes | str, into: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=into)
    except RecursionError as err:
        raise msgspec.DecodeError("exceeded max depth") from err


def _replace_each(error: UnicodeError) -> tuple[str, int]:
    """Python's own `replace` puts one for the beginning of a character that does not go on."""
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error(_REPLACING, _replace_each)
