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
    """A float as %v shows it: with an exponent below 1e-4 and from a million on."""
    if number != number or number in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}[repr(number)]
    sign, digits, exponent = _shortest(number)
    if -4 <= exponent < 6:
        return sign + _positional(digits, exponent)
    return f"{sign}{_scientific(digits)}e{exponent:+03d}"


def _float_json(number: float) -> str:
    """A float as encoding/json writes it."""
    sign, digits, exponent = _shortest(number)
    if number == 0 or -6 <= exponent < 21:
        return sign + _positional(digits, exponent)
    return f"{sign}{_scientific(digits)}e{exponent:+d}"


def _shortest(number: float) -> tuple[str, str, int]:
    """Sign, the fewest digits that tell the number from others, and the first one's exponent."""
    mantissa, _, power = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = int(power or 0) + len(digits) - len(fraction) - 1 if digits.strip("0") else 0
    return "-" if repr(number).startswith("-") else "", digits.rstrip("0") or "0", exponent


def _positional(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    return f"{whole}.{digits[exponent + 1 :]}".rstrip(".")


def _scientific(digits: str) -> str:
    return f"{digits[0]}.{digits[1:]}".rstrip(".")


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
        case "float":
            return _float_json(value.data)
        case _:
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
