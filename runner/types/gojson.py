"""JSON that comes from outside, read as Go's encoding/json reads it."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")


@overload
def decode(data: bytes | str) -> Any: ...
@overload
def decode(data: bytes | str, into: type[T]) -> T: ...
def decode(data: bytes | str, into: Any = Any) -> Any:
    """The value; what is not UTF-8 is replaced by U+FFFD.

    Raises msgspec.DecodeError, also for what is nested too deeply, and its ValidationError for a
    value of another type.
    """
    try:
        return _decode(data, into)
    except UnicodeError:
        raw = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        return _decode(raw.decode("utf-8", "replace"), into)


def _decode(data: bytes | str, into: Any) -> Any:
    try:
        return msgspec.json.decode(data, type=into)
    except RecursionError as err:
        raise msgspec.DecodeError("exceeded max depth") from err
