"""The words in which a route is described: parameters, bodies, answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

JSON: Final = "application/json"
TAR: Final = "application/x-tar"
BYTES: Final = "application/octet-stream"
TEXT: Final = "text/plain"

STRINGS: Final = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of the query's, or a header. `json` says that its text is JSON of this schema."""

    name: str
    schema: dict[str, Any]
    meaning: str = ""
    json: bool = False
    header: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """What a body is: its media types, and the type of what is in it; None when it is opaque."""

    media_types: tuple[str, ...]
    type: Any = None
    meaning: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """A route beyond what its table says. 400 and 500 may come of every one."""

    answers: dict[int, Content | None]
    parameters: tuple[Parameter, ...] = ()
    body: Content | None = None
    failures: tuple[int, ...] = ()


def flag(name: str, meaning: str = "") -> Parameter:
    """True or false; dockerd takes all but "", 0, no, false and none for true."""
    return Parameter(name, {"type": "boolean"}, meaning)


def integer(name: str, meaning: str = "", **limits: int) -> Parameter:
    """A number."""
    return Parameter(name, {"type": "integer", **limits}, meaning)


def text(name: str, meaning: str = "", *, required: bool = False) -> Parameter:
    """Any text."""
    return Parameter(name, {"type": "string"}, meaning, required=required)


def texts(name: str, meaning: str = "") -> Parameter:
    """A parameter that may be given several times."""
    return Parameter(name, STRINGS, meaning)


def choice(name: str, *values: str, meaning: str = "") -> Parameter:
    """One of some words."""
    return Parameter(name, {"type": "string", "enum": list(values)}, meaning)


def header(name: str, meaning: str) -> Parameter:
    """A header of the request."""
    return Parameter(name, {"type": "string"}, meaning, header=True)


def json_text(name: str, schema: dict[str, Any], meaning: str = "") -> Parameter:
    """JSON in a parameter."""
    return Parameter(name, schema, meaning, json=True)


def filters(*names: str) -> Parameter:
    """The filters of a list or a prune: values by name, of these names."""
    schema = {
        "type": "object",
        "properties": dict.fromkeys(names, STRINGS),
        "additionalProperties": False,
    }
    return json_text("filters", schema, 'Values by name: `{"label": ["a=b"]}`.')


def json_of(kind: Any, meaning: str = "") -> Content:
    """One JSON value."""
    return Content((JSON,), kind, meaning)


def messages_of(kind: Any) -> Content:
    """JSON values one after the other, as they come."""
    return Content((JSON,), kind, "Messages, one after the other until it ends.")
