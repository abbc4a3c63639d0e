"""How values look: as `{{…}}` prints them, by printf's verbs, as JSON (fmt, encoding/json)."""

from __future__ import annotations

from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.template.types import Value

_NO_VALUE, _NIL = "<no value>", "<nil>"


def printed(value: Value | None) -> str:
    """What an action prints: pointers are followed first."""
    while value is not None and value.kind == "pointer":
        if value.is_nil():
            return _NIL
        if value.type.text is not None:
            break
        value = value.inner()
    return _NO_VALUE if value is None else text(value)


def text(value: Value | None, *, names: bool = False, depth: int = 0) -> str:
    """%v, or with `names` %+v."""
    if value is None:
        return _NIL
    if value.type.text is not None and not value.is_nil():
        return value.type.text(value.data)
    match value.kind:
        case "bool":
            return "true" if value.data else "false"
        case "float":
            return float_text(value.data)
        case "map":
            return f"map[{_pairs(value, names=names, depth=depth)}]"
        case "struct":
            return f"{{{_members(value, names=names, depth=depth)}}}"
        case "slice" | "array":
            items = (text(item, names=names, depth=depth + 1) for _, item in value.items())
            return f"[{' '.join(items)}]"
        case "interface":
            return text(value.inner(), names=names, depth=depth + 1)
        case "pointer":
            return _pointer(value, names=names, depth=depth)
        case _:
            return str(value.data)


def _pairs(value: Value, *, names: bool, depth: int) -> str:
    return " ".join(
        f"{text(key, depth=depth + 1)}:{text(item, names=names, depth=depth + 1)}"
        for key, item in value.items()
    )


def _members(value: Value, *, names: bool, depth: int) -> str:
    shown = []
    for field in value.type.fields():
        member = text(value.field(field), names=names, depth=depth + 1)
        shown.append(f"{field.name}:{member}" if names else member)
    return " ".join(shown)


def _pointer(value: Value, *, names: bool, depth: int) -> str:
    """`&{…}` where it is all there is to show, else an address, which says nothing in Go either."""
    inner = value.inner()
    if inner is None:
        return _NIL
    if depth == 0 and inner.kind in ("array", "map", "slice", "struct"):
        return f"&{text(inner, names=names, depth=1)}"
    return f"0x{id(value.data):x}"


def float_text(number: float) -> str:
    """A float as %v shows it: shortest, with an exponent from 1e+21 on and below 1e-4."""
    if number != number or number in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[repr(number)]
    digits, _, exponent = f"{number:.16e}".partition("e")
    shortest = repr(number)
    if number == 0 or -4 <= int(exponent) < 21:
        whole = f"{number:.0f}" if number == int(number) else shortest
        return whole if "e" not in whole else f"{number:f}".rstrip("0")
    digits = repr(float(shortest)).partition("e")[0].removesuffix(".0")
    return f"{digits}e{int(exponent):+03d}"


# --- JSON -------------------------------------------------------------------------------------


def as_json(value: Value | None) -> str:
    """Compact JSON of a value, in the order and with the omissions that its type declares."""
    if value is None or (value.is_nil() and value.type.json is None):
        return "null"
    if value.type.json is not None:
        return value.type.json(value.data)
    match value.kind:
        case "pointer" | "interface":
            return as_json(value.inner())
        case "struct":
            return "{" + ",".join(_json_members(value)) + "}"
        case "map":
            items = (f"{jsontext.quote(key.data)}:{as_json(item)}" for key, item in value.items())
            return "{" + ",".join(items) + "}"
        case "slice" | "array" if isinstance(value.data, list):
            return "[" + ",".join(as_json(item) for _, item in value.items()) + "]"
    return jsontext.quote(value.data)


def _json_members(value: Value) -> list[str]:
    members = []
    for field in value.type.fields():
        member = value.field(field)
        if field.embedded:
            inner = member.inner() if member.kind == "pointer" else member
            members += _json_members(inner) if inner is not None else []
        elif field.json != "-" and not (field.omits_empty and is_empty(member)):
            members.append(f"{jsontext.quote(field.json)}:{as_json(member)}")
    return members


def is_empty(value: Value) -> bool:
    """What omitempty leaves out."""
    if value.kind in ("pointer", "interface"):
        return value.is_nil()
    return value.kind != "struct" and not value.data
