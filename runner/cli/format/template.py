"""The simple half of Go's templates: text, fields and `json` of fields.

`{{.Field}}`, `{{.A.B}}`, `{{.}}`, `{{json .Field}}` and `{{json .}}`. Anything more is an error
that says so, never a wrong answer.
"""

from __future__ import annotations

from runner.cli.errors import CliError
from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Part = tuple[str, list[str]]

_ESCAPES = {"\\t": "\t", "\\n": "\n"}


class Template:
    """A parsed template."""

    def __init__(self, source: str) -> None:
        """Raises CliError 64 when the template is malformed or beyond this subset."""
        self._parts: list[Part] = _parse(source)

    def fields(self) -> list[str]:
        """The first name of each field used, in order."""
        return [path[0] for kind, path in self._parts if kind != "text" and path]

    def render(self, value: Any) -> str:
        """The text for one object. Raises CliError on a field that it does not have."""
        return "".join(_show(kind, path, value) for kind, path in self._parts)


def unescape(source: str) -> str:
    r"""`\t` and `\n` as written on command lines."""
    for escape, char in _ESCAPES.items():
        source = source.replace(escape, char)
    return source


def _parse(source: str) -> list[Part]:
    parts: list[Part] = []
    while source:
        text, opening, rest = source.partition("{{")
        if text:
            parts.append(("text", [text]))
        if not opening:
            break
        action, closing, source = rest.partition("}}")
        if not closing:
            raise CliError("template parsing error: template: :1: unclosed action", 64)
        parts.append(_action(action.strip()))
    return parts


def _action(action: str) -> Part:
    words = action.split()
    kind = "value"
    if len(words) == 2 and words[0] == "json":
        kind, words = "json", words[1:]
    if len(words) == 1 and words[0].startswith("."):
        path = words[0].split(".")[1:]
        if path == [""]:
            return kind, []
        if all(name.isidentifier() for name in path):
            return kind, path
    raise CliError(
        f"template parsing error: {{{{{action}}}}} is not supported yet, "
        "only {{.Field}} and {{json .Field}}",
        64,
    )


def _show(kind: str, path: list[str], value: Any) -> str:
    if kind == "text":
        return path[0]
    for name in path:
        if not isinstance(value, dict) or name not in value:
            raise CliError(
                'template parsing error: template: :1: executing "" at '
                f'<.{".".join(path)}>: map has no entry for key "{name}"'
            )
        value = value[name]
    return json_text(value) if kind == "json" else go_text(value)


def json_text(value: Any) -> str:
    """Compact JSON, as Go's encoder writes it without HTML escaping."""
    if isinstance(value, dict):
        items = (f"{jsontext.quote(key)}:{json_text(item)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return jsontext.quote(value)


def escape_html(text: str) -> str:
    """JSON text as Go's encoder writes it by default: safe inside HTML."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def go_text(value: Any) -> str:
    """A value as Go's %v shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, list):
        return "[" + " ".join(map(go_text, value)) + "]"
    if type(value) is dict:
        return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
    return str(value)
