"""The Engine API's JSON, with Go's habits.

Clients depend on what encoding/json does: fields marked `omitempty` vanish when empty, other
empty slices and maps are `null` or `[]` by their value, map keys come sorted. In requests, keys
match without regard to case, `null` means "leave the zero value", unknown keys are ignored.

A struct names its `omitempty` fields in `omit_empty`, its `omitempty` pointers (absent only when
unset, so that 0 and false are said) in `omit_none`, and those that accept one string in place of
a list (moby strslice.StrSlice) in `string_or_list`, by their Python names.
"""

from __future__ import annotations

import functools
import types
import typing
from typing import Any, ClassVar, TypeVar

import msgspec

from runner.types import gojson
from runner.types.errors import InvalidParameter

T = TypeVar("T")

Unsigned = typing.Annotated[int, msgspec.Meta(ge=0)]
"""Go's uint."""


class Wire(msgspec.Struct):
    """Base of the Engine API's types."""

    omit_empty: ClassVar[frozenset[str]] = frozenset()
    omit_none: ClassVar[frozenset[str]] = frozenset()
    string_or_list: ClassVar[frozenset[str]] = frozenset()


class _Field(typing.NamedTuple):
    attribute: str
    name: str
    type: Any
    omit_empty: bool
    omit_none: bool
    string_or_list: bool

    def omits(self, item: Any) -> bool:
        """Whether encoding/json would leave the field out."""
        return (self.omit_empty and not item) or (self.omit_none and item is None)


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> tuple[_Field, ...]:
    empty: frozenset[str] = getattr(struct, "omit_empty", frozenset())
    none: frozenset[str] = getattr(struct, "omit_none", frozenset())
    listable: frozenset[str] = getattr(struct, "string_or_list", frozenset())
    hints = typing.get_type_hints(struct)
    return tuple(
        _Field(
            attribute,
            name,
            hints[attribute],
            attribute in empty,
            attribute in none,
            attribute in listable,
        )
        for attribute, name in zip(
            struct.__struct_fields__, struct.__struct_encode_fields__, strict=True
        )
    )


def to_wire(value: Any) -> Any:
    """Builtins ready for JSON, as Go would encode the value."""
    if isinstance(value, Wire):
        return {
            field.name: to_wire(item)
            for field in _fields(type(value))
            if not field.omits(item := getattr(value, field.attribute))
        }
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {str(key): to_wire(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [to_wire(item) for item in value]
    if isinstance(value, str):
        return str(value)  # modes are strings with questions, which msgspec does not know
    return value


def encode(value: Any) -> bytes:
    """JSON as Go would write it."""
    return msgspec.json.encode(to_wire(value))


def decode(body: bytes, into: type[T]) -> T:
    """Parse a request body as Go would.

    Raises InvalidParameter with dockerd's prefix when the body is not JSON or a value has the
    wrong type.
    """
    try:
        return from_wire(gojson.decode(body), into)
    except msgspec.DecodeError as err:
        raise InvalidParameter(f"invalid JSON: {err}") from err


def from_wire(value: Any, into: type[T]) -> T:
    """Convert builtins (parsed JSON) to a type, folding keys and dropping nulls.

    Raises InvalidParameter naming the field that has the wrong type.
    """
    try:
        return msgspec.convert(_fold(value, into), into)
    except msgspec.ValidationError as err:
        raise InvalidParameter(f"invalid JSON: {err}") from err


def _fold(value: Any, into: Any) -> Any:
    """Bring parsed JSON into the shape that msgspec's strict conversion takes."""
    if isinstance(into, types.UnionType) or typing.get_origin(into) is typing.Union:
        candidates = [arm for arm in typing.get_args(into) if arm is not type(None)]
        return _fold(value, candidates[0]) if len(candidates) == 1 else value
    if isinstance(into, type) and issubclass(into, msgspec.Struct) and isinstance(value, dict):
        return _fold_struct(value, into)
    origin, arguments = typing.get_origin(into), typing.get_args(into)
    if origin is list and isinstance(value, list):
        return [_fold(item, arguments[0]) for item in value]
    if origin is tuple and isinstance(value, list):  # Go's array, filled up or cut off
        return [*value, *(0 for _ in arguments)][: len(arguments)]
    if origin is dict and isinstance(value, dict):
        return {key: _fold(item, arguments[1]) for key, item in value.items()}
    return value


def _fold_struct(value: dict[str, Any], struct: type[msgspec.Struct]) -> dict[str, Any]:
    fields = {field.name.lower(): field for field in _fields(struct)}
    folded: dict[str, Any] = {}
    for key, item in value.items():
        field = fields.get(key.lower())
        if field is None or item is None:
            continue
        if field.string_or_list and isinstance(item, str):
            folded[field.name] = [item]
        else:
            folded[field.name] = _fold(item, field.type)
    return folded
