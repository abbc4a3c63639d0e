"""Go's types and values, as far as templates can tell them apart (reflect).

A value is its type and the JSON that it came as, looked at through the type only where a template
asks: a field of a struct, an element of a list. Types print by the names that messages use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_NILABLE = frozenset(("pointer", "slice", "map", "interface"))


class Signature:
    """What a function or method takes, and what it is."""

    __slots__ = ("call", "parameters", "variadic")

    def __init__(
        self,
        parameters: tuple[Type, ...],
        call: Callable[..., Value | None],
        *,
        variadic: bool = False,
    ) -> None:
        self.parameters = parameters
        self.call = call
        """Takes the values, a method its receiver first. Raises ValueError with Go's text."""
        self.variadic = variadic
        """Whether the last parameter may be given any number of times."""


class Field:
    """One field of a struct."""

    __slots__ = ("embedded", "json", "name", "omits_empty", "type")

    def __init__(
        self, name: str, json: str, field_type: Type, *, omits_empty: bool, embedded: bool
    ) -> None:
        self.name = name
        self.json = json
        """The key in JSON; "-" for none."""
        self.type = field_type
        self.omits_empty = omits_empty
        self.embedded = embedded


class Type:
    """A type: what kind, and what it is made of."""

    __slots__ = (
        "_fields",
        "_load",
        "elem",
        "json",
        "key",
        "kind",
        "length",
        "methods",
        "name",
        "named",
        "text",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        elem: Type | None = None,
        key: Type | None = None,
        length: int = 0,
        named: bool = False,
        fields: Callable[[], list[Field]] | None = None,
        text: Callable[[Any], str] | None = None,
        json: Callable[[Any], str] | None = None,
        methods: dict[str, Signature] | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        """bool, int, uint, float, string, slice, array, map, struct, pointer or interface."""
        self.elem = elem
        self.key = key
        self.length = length
        self.named = named
        self.text = text
        """What the type's String method makes of a value, where it has one."""
        self.json = json
        """What the type's MarshalJSON makes of a value, where it has one."""
        self.methods = methods or {}
        self._load = fields
        self._fields: list[Field] = []

    def fields(self) -> list[Field]:
        """The fields of a struct, in the order declared."""
        if self._load is not None:
            self._fields, self._load = self._load(), None
        return self._fields

    def find(self, name: str) -> list[Field] | None:
        """The way to a field, through embedded structs; the shallowest wins."""
        level: list[tuple[list[Field], Type]] = [([], self)]
        while level:
            below = []
            for way, struct in level:
                for field in struct.fields():
                    if field.name == name:
                        return [*way, field]
                    if field.embedded:
                        below.append(([*way, field], _struct(field.type)))
            level = below
        return None

    def assignable_to(self, other: Type) -> bool:
        """Whether a value of this type may stand where one of the other is wanted."""
        if self is other or other.kind == "interface" or self.name == other.name:
            return True
        same = (self.kind, self.elem, self.key) == (other.kind, other.elem, other.key)
        return same and self.kind in ("slice", "map") and not (self.named and other.named)

    def __str__(self) -> str:
        return self.name


def _struct(type_: Type) -> Type:
    return type_.elem if type_.kind == "pointer" and type_.elem is not None else type_


class Value:
    """A value. Go's invalid value, nothing at all, is None instead of one."""

    __slots__ = ("data", "type")

    def __init__(self, type_: Type, data: Any) -> None:
        self.type = type_
        self.data = zero(type_) if data is None else data
        """JSON as parsed; None for nil."""

    @property
    def kind(self) -> str:
        """The type's kind."""
        return self.type.kind

    def is_nil(self) -> bool:
        """Whether it is a pointer, slice, map or interface without anything behind it."""
        return self.data is None

    def inner(self) -> Value | None:
        """What a pointer points to or an interface holds; None for nil."""
        if self.data is None:
            return None
        if self.type.kind == "pointer":
            assert self.type.elem is not None
            return Value(self.type.elem, self.data)
        return dynamic(self.data, self.type)

    def field(self, field: Field) -> Value:
        """A struct's field; embedded structs share their JSON with what embeds them."""
        data = self.data if field.embedded else self.data.get(field.json)
        return Value(field.type, data)

    def at(self, index: Any) -> Value:
        """An element of a slice, array or map; the zero value of a map's missing one."""
        assert self.type.elem is not None
        if self.type.kind == "map":
            return Value(self.type.elem, (self.data or {}).get(index))
        return Value(self.type.elem, self.data[index])

    def items(self) -> Iterator[tuple[Value, Value]]:
        """Keys and elements of a map, in the keys' order; indexes and elements of a list."""
        if self.type.kind == "map":
            assert self.type.key is not None
            for key in sorted(self.data or {}):
                yield Value(self.type.key, key), self.at(key)
            return
        for index in range(len(self)):
            yield Value(INT, index), self.at(index)

    def __len__(self) -> int:
        return len(self.data or ())

    def __bool__(self) -> bool:
        """Not a template's truth, for that see `execute.truth`."""
        return True


def zero(type_: Type) -> Any:
    """The JSON that the type's zero value would have."""
    if type_.kind in _NILABLE:
        return None
    if type_.kind == "array":
        assert type_.elem is not None
        return [zero(type_.elem)] * type_.length
    return {"bool": False, "string": "", "struct": {}, "float": 0.0}.get(type_.kind, 0)


# --- types that have no declaration -----------------------------------------------------------

BOOL = Type("bool", "bool")
STRING = Type("string", "string")
INT = Type("int", "int")
UINT8 = Type("uint8", "uint")
FLOAT = Type("float64", "float")
STRINGS = Type("[]string", "slice", elem=STRING)
ANY = Type("interface {}", "interface")
ANY_LIST = Type("[]interface {}", "slice", elem=ANY)
ANY_MAP = Type("map[string]interface {}", "map", key=STRING, elem=ANY)
EMPTY = Type("struct {}", "struct")

# JSON decoded without any declaration, its numbers kept as the texts that they were.
RAW = Type("interface {}", "interface")
RAW_LIST = Type("[]interface {}", "slice", elem=RAW)
RAW_MAP = Type("map[string]interface {}", "map", key=STRING, elem=RAW)
NUMBER = Type("json.Number", "string", named=True, json=str)


def dynamic(data: Any, interface: Type) -> Value:
    """The value that an interface holds after encoding/json has put it there."""
    raw = interface is RAW
    match data:
        case dict():
            return Value(RAW_MAP if raw else ANY_MAP, data)
        case list():
            return Value(RAW_LIST if raw else ANY_LIST, data)
        case bool():
            return Value(BOOL, data)
        case str():
            return Value(STRING, data)
        case _:
            return Value(NUMBER, str(data)) if raw else Value(FLOAT, float(data))


def undeclared(data: Any) -> Value | None:
    """A document of which nothing is declared."""
    return None if data is None else dynamic(data, RAW)
