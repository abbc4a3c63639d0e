"""printf, print and println (fmt).

The verbs %v %+v %s %q %d %t %x %X %o %b %c %U %e %f %g and %T with width, precision and the flags
`-`, `0`, `+`, `#` and space; another one comes out as Go's complaint about it, which begins with
`%!`.
"""

from __future__ import annotations

from runner.cli.template.show import float_text, text
from runner.cli.values.numbers import go_quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.template.types import Value

    Arguments = tuple[Value | None, ...]

_LARGEST = 1_000_000
"""What a width or a precision may be before its last digit."""

_INTEGERS = {"d": "d", "x": "x", "X": "X", "o": "o", "b": "b"}


def sprint(arguments: Arguments) -> str:
    """The values one after the other, spaces between two that are no strings."""
    out = ""
    before: Value | None = None
    for index, argument in enumerate(arguments):
        if index and not (_is_string(before) or _is_string(argument)):
            out += " "
        out += text(argument)
        before = argument
    return out


def sprintln(arguments: Arguments) -> str:
    """The values with spaces between, and a line's end."""
    return " ".join(map(text, arguments)) + "\n"


def sprintf(layout: str, arguments: Arguments) -> str:
    """The layout with its verbs replaced."""
    out, used, position = "", 0, 0
    while (percent := layout.find("%", position)) >= 0:
        out += layout[position:percent]
        verb, position = _Verb.read(layout, percent + 1)
        if verb.name == "%":
            out += "%"
        elif not verb.name:
            out += "%!(NOVERB)"
        elif used == len(arguments):
            out += f"%!{verb.name}(MISSING)"
        else:
            out += verb.show(arguments[used])
            used += 1
    return out + layout[position:] + _extra(arguments[used:])


def _extra(arguments: Arguments) -> str:
    if not arguments:
        return ""
    shown = ", ".join("<nil>" if a is None else f"{a.type}={text(a)}" for a in arguments)
    return f"%!(EXTRA {shown})"


def _is_string(value: Value | None) -> bool:
    return value is not None and value.kind == "string"


class _Verb:
    """One verb with its flags."""

    def __init__(self, name: str, flags: str, width: str, precision: str | None) -> None:
        self.name = name
        self._flags = flags
        self._width = int(width or 0)
        self._precision = None if precision is None else int(precision or 0)

    @classmethod
    def read(cls, layout: str, position: int) -> tuple[_Verb, int]:
        """The verb behind a percent sign, and where it ends."""
        flags, position = _span(layout, position, "+-# 0")
        width, position = _span(layout, position, "0123456789")
        precision = None
        if layout[position : position + 1] == ".":
            precision, position = _span(layout, position + 1, "0123456789")
        if _is_too_large(width) or _is_too_large(precision or ""):
            return cls("", flags, "", None), len(layout)
        name = layout[position : position + 1]
        return cls(name, flags, width, precision), position + len(name)

    def show(self, value: Value | None, *, inside: bool = False) -> str:
        """A value by this verb; inside of another one pointers are not followed."""
        if value is not None and value.kind == "interface":
            value = value.inner()
        if value is None and inside:
            return "<nil>"
        if self.name == "v":
            return self._pad(text(value, names="+" in self._flags))
        if self.name == "T":
            return self._pad("<nil>" if value is None else value.type.name)
        shown = None if value is None else self._by_kind(value, inside=inside)
        if shown is not None:
            return shown
        return f"%!{self.name}({'<nil>' if value is None else f'{value.type}={text(value)}'})"

    def _by_kind(self, value: Value, *, inside: bool) -> str | None:
        """What the verb makes of such a value; None where it is not for such."""
        if value.type.text is not None and self.name in "sq":
            return self._string(value.type.text(value.data))
        match value.kind:
            case "string":
                return self._string(value.data)
            case "int" | "uint":
                return self._integer(value.data)
            case "float":
                return self._float(value.data)
            case "bool":
                return self._pad(text(value)) if self.name == "t" else None
            case "slice" | "array" | "map" | "struct":
                return self._parts(value)
            case "pointer" if value.is_nil() and self.name in _INTEGERS:
                return self._integer(0)
            case "pointer" if not inside and (inner := value.inner()) is not None:
                whole = inner.kind in ("slice", "map", "struct")
                return f"&{self._parts(inner)}" if whole else None
        return None

    def _parts(self, value: Value) -> str:
        """The verb goes down to the parts; brackets stand around them."""
        if value.kind == "struct":
            members = (self._part(value.field(field)) for field in value.type.fields())
            return f"{{{' '.join(members)}}}"
        if value.kind == "map":
            pairs = (f"{self._part(key)}:{self._part(item)}" for key, item in value.items())
            return f"map[{' '.join(pairs)}]"
        return f"[{' '.join(self._part(item) for _, item in value.items())}]"

    def _part(self, value: Value) -> str:
        return self.show(value, inside=True)

    def _string(self, data: str) -> str | None:
        if self._precision is not None:
            data = data[: self._precision]
        if self.name == "s":
            return self._pad(data)
        if self.name == "q":
            return self._pad(_raw_quote(data) if "#" in self._flags else go_quote(data))
        if self.name in "xX":
            digits = data.encode().hex()
            return self._pad(digits.upper() if self.name == "X" else digits)
        return None

    def _integer(self, data: int) -> str | None:
        if self.name in _INTEGERS:
            return self._pad_number(self._sign(data) + self._digits(abs(data)))
        if self.name == "c":
            return self._pad(_rune(data))
        if self.name == "q":
            return self._pad(f"'{go_quote(_rune(data))[1:-1]}'")
        return self._pad(f"U+{data:04X}") if self.name == "U" else None

    def _digits(self, data: int) -> str:
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(self.name, "")
        digits = format(data, _INTEGERS[self.name]).rjust(self._precision or 0, "0")
        return (prefix if "#" in self._flags else "") + digits

    def _float(self, data: float) -> str | None:
        if self.name not in "eEfFgG":
            return None
        precision = self._precision
        if self.name in "gG" and precision is None:
            digits = float_text(abs(data))
        else:
            digits = f"{abs(data):.{6 if precision is None else precision}{self.name}}"
        return self._pad_number(self._sign(data) + digits)

    def _sign(self, data: float) -> str:
        if data < 0:
            return "-"
        return "+" if "+" in self._flags else " " if " " in self._flags else ""

    def _pad(self, shown: str) -> str:
        if "-" in self._flags:
            return shown.ljust(self._width)
        return shown.rjust(self._width, "0" if "0" in self._flags else " ")

    def _pad_number(self, shown: str) -> str:
        if "0" not in self._flags or "-" in self._flags or self._precision is not None:
            return self._pad_plain(shown)
        sign = shown[:1] if shown[:1] in ("+", "-", " ") else ""
        return sign + shown[len(sign) :].rjust(self._width - len(sign), "0")

    def _pad_plain(self, shown: str) -> str:
        return shown.ljust(self._width) if "-" in self._flags else shown.rjust(self._width)


def _is_too_large(digits: str) -> bool:
    """Whether Go takes a width or a precision for a mistake, and reads no further (parsenum)."""
    before_last = digits.lstrip("0")[:-1]
    return len(before_last) > len(str(_LARGEST)) or int(before_last or 0) > _LARGEST


def _rune(number: int) -> str:
    """The character of this number; of one that is none, the one that stands for such."""
    is_character = 0 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
    return chr(number) if is_character else "\ufffd"


def _span(layout: str, position: int, alphabet: str) -> tuple[str, int]:
    end = position
    while layout[end : end + 1] and layout[end] in alphabet:
        end += 1
    return layout[position:end], end


def _raw_quote(data: str) -> str:
    return go_quote(data) if "`" in data or not data.isprintable() else f"`{data}`"
