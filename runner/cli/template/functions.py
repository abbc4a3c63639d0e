"""The functions that templates call: Go's own, and those that docker adds (docker/cli templates).

Left out of Go's: call, html, js, urlquery.
"""

from __future__ import annotations

from runner.cli.template import printf, show
from runner.cli.template.reading import type_of
from runner.cli.template.types import (
    ANY,
    BOOL,
    INT,
    STRING,
    STRINGS,
    UINT8,
    Signature,
    Type,
    Value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

REFLECTED = Type("reflect.Value", "struct")
"""The type of parameters that take a value of any type, and know which."""
_INTEGERS = ("int", "uint")
_BASIC = ("bool", "string", "int", "uint", "float")
_NO_COMPARISON = "missing argument for comparison"
_BAD_COMPARISON = "invalid type for comparison"


def truth(value: Value | None) -> bool:
    """What `if` makes of a value: false are zero, nil and what is empty."""
    if value is not None and value.kind == "interface":
        value = value.inner()
    if value is None:
        return False
    return (
        value.kind == "struct"
        or (value.kind == "pointer" and not value.is_nil())
        or bool(value.data)
    )


def held(value: Value | None) -> Value | None:
    """The value itself, where an interface holds it."""
    return value.inner() if value is not None and value.kind == "interface" else value


def followed(value: Value | None) -> Value | None:
    """What is at the end of pointers and interfaces; a nil one itself where that is the end."""
    while value is not None and value.kind in ("pointer", "interface") and not value.is_nil():
        value = value.inner()
    return value


def _is_nil_reference(value: Value) -> bool:
    return value.kind in ("pointer", "interface") and value.is_nil()


# --- indexing ---------------------------------------------------------------------------------


def _index(item: Value | None, *indexes: Value | None) -> Value | None:
    item = held(item)
    if item is None:
        raise ValueError("index of untyped nil")
    for index in map(held, indexes):
        item = followed(item)
        assert item is not None
        if _is_nil_reference(item):
            raise ValueError("index of nil pointer")
        item = _element(item, index)
    return item


def _element(item: Value, index: Value | None) -> Value:
    match item.kind:
        case "slice" | "array":
            return item.at(_place(index, len(item), "slice"))
        case "string":
            raw = item.data.encode()
            return Value(UINT8, raw[_place(index, len(raw), "string")])
        case "map":
            return item.at(_key(index, item.type))
        case _:
            raise ValueError(f"can't index item of type {item.type}")


def _place(index: Value | None, length: int, kind: str) -> int:
    """Where an element is; the place behind the last one is told off by another part of Go."""
    place = _position(index, length)
    if place == length:
        raise ValueError(f"reflect: {kind} index out of range")
    return place


def _position(index: Value | None, limit: int) -> int:
    if index is None:
        raise ValueError("cannot index slice/array with nil")
    if index.kind not in _INTEGERS:
        raise ValueError(f"cannot index slice/array with type {index.type}")
    if not 0 <= index.data <= limit:
        raise ValueError(f"index out of range: {index.data}")
    position: int = index.data
    return position


def _key(index: Value | None, mapping: Type) -> object:
    key = mapping.key
    assert key is not None
    if index is None:
        raise ValueError(f"value is nil; should be of type {key}")
    if not index.type.assignable_to(key):
        raise ValueError(f"value has type {index.type}; should be {key}")
    found: object = index.data
    return found


def _slice(item: Value | None, *indexes: Value | None) -> Value:
    item = held(item)
    if item is None:
        raise ValueError("slice of untyped nil")
    item = followed(item)
    assert item is not None
    if _is_nil_reference(item):
        raise ValueError("slice of nil pointer")
    if len(indexes) > 3:
        raise ValueError(f"too many slice indexes: {len(indexes)}")
    if item.kind not in ("string", "slice", "array"):
        raise ValueError(f"can't slice item of type {item.type}")
    if len(indexes) == 3 and item.kind == "string":
        raise ValueError("cannot 3-index slice a string")
    return _sliced(item, indexes)


def _sliced(item: Value, indexes: tuple[Value | None, ...]) -> Value:
    content: Any = item.data.encode() if item.kind == "string" else item.data or []
    bounds = [0, len(content)]
    for place, index in enumerate(indexes[:2]):
        bounds[place] = _position(index, len(content))
    if bounds[0] > bounds[1]:
        raise ValueError(f"invalid slice index: {bounds[0]} > {bounds[1]}")
    cut = content[bounds[0] : bounds[1]]
    if item.kind == "string":
        return Value(item.type, cut.decode("utf-8", "replace"))
    return Value(type_of(f"[]{item.type.elem}") if item.kind == "array" else item.type, cut)


def _length(item: Value | None) -> Value:
    item = followed(item)
    if item is None:
        raise ValueError("reflect: call of reflect.Value.Type on zero Value")
    if _is_nil_reference(item):
        raise ValueError("len of nil pointer")
    if item.kind not in ("array", "map", "slice", "string"):
        raise ValueError(f"len of type {item.type}")
    return Value(INT, len(item.data.encode()) if item.kind == "string" else len(item))


# --- comparing --------------------------------------------------------------------------------


def _basic(value: Value | None) -> str:
    """The kind as far as comparisons tell them apart; empty for what they cannot compare."""
    return value.kind if value is not None and value.kind in _BASIC else ""


def _eq(first: Value | None, *others: Value | None) -> Value:
    first = held(first)
    if not others:
        raise ValueError(_NO_COMPARISON)
    return Value(BOOL, any(_equal(first, held(other)) for other in others))


def _equal(one: Value | None, other: Value | None) -> bool:
    kinds = _basic(one), _basic(other)
    if one is None or other is None:
        return _is_nothing(one) and _is_nothing(other)
    if kinds[0] != kinds[1] and not {*kinds} <= {*_INTEGERS}:
        raise ValueError(f"incompatible types for comparison: {one.type} and {other.type}")
    if kinds[0]:
        return bool(one.data == other.data)
    if one.kind != other.kind:
        left = printf.sprintf("%s", (one,))
        raise ValueError(
            f"non-comparable types {left}: {one.type}, {other.type}: {show.text(other)}"
        )
    if _is_nothing(one) or _is_nothing(other):
        return _is_nothing(one) == _is_nothing(other)
    if other.kind in ("map", "slice"):
        raise ValueError(f"non-comparable type {printf.sprintf('%s', (other,))}: {other.type}")
    return one.data is other.data or (one.kind == "struct" and one.data == other.data)


def _is_nothing(value: Value | None) -> bool:
    return value is None or (value.kind not in _BASIC and value.is_nil())


def _ne(one: Value | None, other: Value | None) -> Value:
    return Value(BOOL, not _eq(one, other).data)


def _less(one: Value | None, other: Value | None) -> bool:
    one, other = held(one), held(other)
    kinds = _basic(one), _basic(other)
    if one is None or other is None or "" in kinds:
        raise ValueError(_BAD_COMPARISON)
    if kinds[0] != kinds[1] and not {*kinds} <= {*_INTEGERS}:
        raise ValueError(f"incompatible types for comparison: {one.type} and {other.type}")
    if kinds[0] == "bool":
        raise ValueError(_BAD_COMPARISON)
    return bool(one.data < other.data)


def _lt(one: Value | None, other: Value | None) -> Value:
    return Value(BOOL, _less(one, other))


def _le(one: Value | None, other: Value | None) -> Value:
    return Value(BOOL, _less(one, other) or _eq(one, other).data)


def _gt(one: Value | None, other: Value | None) -> Value:
    return Value(BOOL, not _le(one, other).data)


def _ge(one: Value | None, other: Value | None) -> Value:
    return Value(BOOL, not _less(one, other))


def _not(value: Value | None) -> Value:
    return Value(BOOL, not truth(value))


# --- text -------------------------------------------------------------------------------------


def _print(*values: Value | None) -> Value:
    return Value(STRING, printf.sprint(tuple(map(held, values))))


def _println(*values: Value | None) -> Value:
    return Value(STRING, printf.sprintln(tuple(map(held, values))))


def _printf(layout: Value, *values: Value | None) -> Value:
    return Value(STRING, printf.sprintf(layout.data, tuple(map(held, values))))


def _json(value: Value | None) -> Value:
    return Value(STRING, show.as_json(value))


def _split(text: Value, separator: Value) -> Value:
    parts = text.data.split(separator.data) if separator.data else list(text.data)
    return Value(STRINGS, parts)


def _join(parts: Value, separator: Value) -> Value:
    return Value(STRING, separator.data.join(parts.data or []))


def _title(text: Value) -> Value:
    out, starts = [], True
    for char in text.data:
        out.append(char.title() if starts else char)
        starts = not (char.isalnum() or char == "_") and (char.isascii() or char.isspace())
    return Value(STRING, "".join(out))


def _lower(text: Value) -> Value:
    return Value(STRING, text.data.lower())


def _upper(text: Value) -> Value:
    return Value(STRING, text.data.upper())


def _pad(text: Value, before: Value, after: Value) -> Value:
    if before.data < 0 or after.data < 0:
        raise ValueError("strings: negative Repeat count")
    padded = " " * before.data + text.data + " " * after.data
    return Value(STRING, padded if text.data else "")


def _truncate(text: Value, length: Value) -> Value:
    raw = text.data.encode()
    if len(raw) < length.data:
        return text
    if length.data < 0:
        raise ValueError(f"runtime error: slice bounds out of range [:{length.data}]")
    return Value(STRING, raw[: length.data].decode("utf-8", "replace"))


def _unchanged(parameters: tuple[Type, ...]) -> Signature:
    def call(text: Value, *_: Value) -> Value:
        return text

    return Signature(parameters, call)


def _reflected(call: Callable[..., Value | None], count: int) -> Signature:
    return Signature((REFLECTED,) * count, call)


FUNCTIONS: dict[str, Signature] = {
    # and, or: the evaluator stops at the first that decides
    "and": Signature((REFLECTED, REFLECTED), _not, variadic=True),
    "or": Signature((REFLECTED, REFLECTED), _not, variadic=True),
    "not": _reflected(_not, 1),
    "eq": Signature((REFLECTED, REFLECTED), _eq, variadic=True),
    "ne": _reflected(_ne, 2),
    "lt": _reflected(_lt, 2),
    "le": _reflected(_le, 2),
    "gt": _reflected(_gt, 2),
    "ge": _reflected(_ge, 2),
    "index": Signature((REFLECTED, REFLECTED), _index, variadic=True),
    "slice": Signature((REFLECTED, REFLECTED), _slice, variadic=True),
    "len": _reflected(_length, 1),
    "print": Signature((ANY,), _print, variadic=True),
    "printf": Signature((STRING, ANY), _printf, variadic=True),
    "println": Signature((ANY,), _println, variadic=True),
    "json": Signature((ANY,), _json),
    "split": Signature((STRING, STRING), _split),
    "join": Signature((STRINGS, STRING), _join),
    "title": Signature((STRING,), _title),
    "lower": Signature((STRING,), _lower),
    "upper": Signature((STRING,), _upper),
    "pad": Signature((STRING, INT, INT), _pad),
    "truncate": Signature((STRING, INT), _truncate),
}
HEADER_FUNCTIONS: dict[str, Signature] = FUNCTIONS | {
    "json": _unchanged((STRING,)),
    "split": _unchanged((STRING, STRING)),
    "join": _unchanged((STRING, STRING)),
    "title": _unchanged((STRING,)),
    "lower": _unchanged((STRING,)),
    "upper": _unchanged((STRING,)),
    "truncate": _unchanged((STRING, INT)),
}
"""The same for a table's header, whose names must stay what they are."""
UNSUPPORTED = frozenset(("call", "html", "js", "urlquery"))
