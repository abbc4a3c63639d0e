"""The declared types as Types, each made when a template first comes upon it."""

from __future__ import annotations

from runner.cli.template import methods
from runner.cli.template.declared import OTHERS, STRUCTS
from runner.cli.template.types import (
    ANY,
    BOOL,
    EMPTY,
    FLOAT,
    INT,
    STRING,
    STRINGS,
    UINT8,
    Field,
    Type,
    Value,
)
from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_known: dict[str, Type] = {
    "any": ANY,
    "bool": BOOL,
    "float64": FLOAT,
    "int": INT,
    "int64": Type("int64", "int"),
    "string": STRING,
    "[]string": STRINGS,
    "struct{}": EMPTY,
    "uint": Type("uint", "uint"),
    "uint16": Type("uint16", "uint"),
    "uint32": Type("uint32", "uint"),
    "uint64": Type("uint64", "uint"),
    "uint8": UINT8,
    "[]uint8": Type("[]uint8", "slice", elem=UINT8, text=methods.octets, json=jsontext.quote),
}


def declared(name: str, data: Any) -> Value:
    """An answer of the API as a value of this type."""
    return Value(type_of(name), data)


def type_of(name: str) -> Type:
    """The type that is written so: `int64`, `[]string`, `*container.State`."""
    found = _known.get(name)
    if found is None:
        found = _known[name] = _make(name)
    return found


def _make(name: str) -> Type:
    if name.startswith("*"):
        elem = type_of(name[1:])
        return Type(f"*{elem}", "pointer", elem=elem, text=elem.text)
    if name.startswith("[]"):
        elem = type_of(name[2:])
        return Type(f"[]{elem}", "slice", elem=elem)
    if name.startswith("["):
        length, _, rest = name[1:].partition("]")
        elem = type_of(rest)
        return Type(f"[{length}]{elem}", "array", elem=elem, length=int(length))
    if name.startswith("map["):
        key, _, rest = name[4:].partition("]")
        elem = type_of(rest)
        return Type(f"map[{key}]{elem}", "map", key=type_of(key), elem=elem)
    return _named(name)


def _named(name: str) -> Type:
    own = methods.of(name)
    if name in OTHERS:
        base = type_of(OTHERS[name])
        return Type(name, base.kind, elem=base.elem, key=base.key, named=True, **own)
    fields = _declaration(name)
    if fields:
        return Type(name, "struct", named=True, fields=lambda: _fields(fields), **own)
    return Type(name, "struct" if name == "time.Time" else "string", named=True, **own)


def _declaration(name: str) -> str:
    """The fields' text; empty for a type that is no struct."""
    _, found, rest = STRUCTS.partition(f"\n{name}\n")
    return " ".join(_indented(rest)) if found else ""


def _indented(text: str) -> list[str]:
    lines = []
    for line in text.split("\n"):
        if not line.startswith(" "):
            break
        lines.append(line.strip())
    return lines


def _fields(declaration: str) -> list[Field]:
    fields = []
    for group in declaration.split("; "):
        names, _, type_name = group.rpartition(" ")
        fields += [_field(name, type_of(type_name)) for name in names.split(", ")]
    return fields


def _field(text: str, field_type: Type) -> Field:
    name, _, json = text.rstrip("?").lstrip("+").partition("=")
    return Field(
        name,
        json or name,
        field_type,
        omits_empty=text.endswith("?"),
        embedded=text.startswith("+"),
    )
