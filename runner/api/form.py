"""Query and form values as Go's net/http and moby's httputils read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from runner.types import gojson
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.gotext import atoi, saturating_int

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_FALSE: Final = frozenset({"", "0", "no", "false", "none"})
_MAX_UINT32: Final = 2**32 - 1


def parse_query(query: str) -> dict[str, list[str]]:
    """The values of each key in order (net/url ParseQuery). Raises InvalidParameter."""
    values: dict[str, list[str]] = {}
    for key, value in _pairs(query):
        values.setdefault(key, []).append(value)
    return values


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for pair in query.split("&"):
        if ";" in pair:
            raise InvalidParameter("invalid semicolon separator in query")
        if pair:
            key, _, value = pair.partition("=")
            yield _unescape(key), _unescape(value)


def _unescape(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    if bad := _BAD_ESCAPE.search(text):
        raise InvalidParameter(f'invalid URL escape "{bad[0]}"')
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


class Form:
    """The parameters of a request; of a key given several times the first counts."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """The value, or nothing."""
        return self._values[name][0] if name in self._values else ""

    def all(self, name: str) -> list[str]:
        """Every value of the key."""
        return list(self._values.get(name, ()))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """moby BoolValueOrDefault: all but "", 0, no, false and none is true."""
        if name not in self._values:
            return default
        return self.text(name).strip().lower() not in _FALSE

    def integer(self, name: str) -> int | None:
        """strconv.Atoi of the value, None when it is empty.

        Raises RunnerError: to dockerd a bad number is an untyped error, so the status is 500.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            return atoi(text)
        except ValueError as err:
            raise RunnerError(str(err)) from err

    def uint32(self, name: str) -> int:
        """moby Uint32Value. Raises ValueError with its text."""
        digits = self.text(name).removeprefix("-")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("invalid syntax")
        number = saturating_int(digits)
        if digits != self.text(name) or number > _MAX_UINT32:
            raise ValueError("value out of range")
        return number

    def filters(self, name: str = "filters") -> dict[str, list[str]]:
        """moby filters.FromJSON: `{"k":{"v":true}}`, or the older `{"k":["v"]}`."""
        text = self.text(name)
        if not text:
            return {}
        try:
            parsed = gojson.decode(text)
        except msgspec.DecodeError as err:
            raise InvalidParameter("invalid filter") from err
        if parsed is None:
            return {}
        if not isinstance(parsed, dict):
            raise InvalidParameter("invalid filter")
        return {key: _filter_values(value) for key, value in parsed.items()}


def terminal_size(form: Form) -> tuple[int, int]:
    """Height and width of a terminal (`h`, `w`). Raises InvalidParameter."""
    return _extent(form, "h", "height"), _extent(form, "w", "width")


def _extent(form: Form, name: str, meaning: str) -> int:
    try:
        return form.uint32(name)
    except ValueError as err:
        given = form.text(name)
        raise InvalidParameter(f'invalid resize {meaning} "{given}": {err}') from err


def _filter_values(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, dict) and all(isinstance(on, bool) for on in value.values()):
        return sorted(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(dict.fromkeys(value))
    raise InvalidParameter("invalid filter")
