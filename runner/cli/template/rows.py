"""What a list shows, as templates see it: objects with a method for each column.

docker's formatter contexts: `{{.Names}}` calls a method, so a name that there is none of is an
error, and JSON has what the methods return, sorted by their names.
"""

from __future__ import annotations

from runner.cli.template.reading import type_of
from runner.cli.template.show import as_json
from runner.cli.template.types import STRING, Field, Signature, Type, Value
from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.format.kind import Kind, Row

_LABEL = "Label"


def row(kind: Kind, members: Row) -> Value:
    """A row as a value of its kind."""
    return Value(_row_type(kind), members)


def header(kind: Kind) -> Value:
    """The line above the rows: the columns' headers by their names."""
    return Value(_HEADER, kind.headers)


def document(name: str, lists: dict[str, tuple[Kind, list[Row]]]) -> Value:
    """A struct of this name that has several lists."""
    fields = [
        Field(
            member,
            member,
            Type(f"[]*{kind.name}", "slice", elem=_row_type(kind)),
            omits_empty=False,
            embedded=False,
        )
        for member, (kind, _) in lists.items()
    ]
    struct = Type(name, "struct", named=True, fields=lambda: fields)
    rows = {member: rows for member, (_, rows) in lists.items()}
    return Value(Type(f"*{name}", "pointer", elem=struct), rows)


_types: dict[str, Type] = {}


def _row_type(kind: Kind) -> Type:
    if kind.name not in _types:
        columns = [*kind.headers, *kind.more]
        methods = {name: _column(name, kind.types.get(name, "string")) for name in columns}
        if kind.labelled:
            methods[_LABEL] = Signature((STRING,), _label)
        struct = Type(
            kind.name, "struct", named=True, methods=methods, json=lambda data: _json(kind, data)
        )
        _types[kind.name] = Type(f"*{kind.name}", "pointer", elem=struct)
    return _types[kind.name]


def _column(name: str, type_name: str) -> Signature:
    returned = type_of(type_name)
    return Signature((), lambda receiver: Value(returned, receiver.data[name]))


def _label(receiver: Value, name: Value) -> Value:
    labels: dict[str, str] = receiver.data[_LABEL]
    return Value(STRING, labels.get(name.data, ""))


def _json(kind: Kind, members: Row) -> str:
    """As Go's encoder writes it by default, safe inside HTML."""
    texts = []
    for name in sorted([*kind.headers, *kind.more]):
        value = Value(type_of(kind.types.get(name, "string")), members[name])
        texts.append(f"{jsontext.quote(name)}:{as_json(value)}")
    whole = "{" + ",".join(texts) + "}"
    return whole.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _header_label(_headers: Value, name: Value) -> Value:
    """The header of a label's column: the last part of its name."""
    return Value(STRING, name.data.rpartition(".")[2].replace("-", " ").replace("_", " "))


_HEADER = Type(
    "formatter.SubHeaderContext",
    "map",
    key=STRING,
    elem=STRING,
    named=True,
    methods={_LABEL: Signature((STRING,), _header_label)},
)
