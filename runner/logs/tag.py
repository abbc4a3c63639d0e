"""The `tag` option: a Go template over the container's facts (moby loggerutils/log_tag.go).

Of text/template it understands what Docker documents for tags: fields, the string functions, and
pipelines. Anything else is an error, never text that looks right and is not.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.logs.info import LogInfo

_WIDEST: Final = 1024
"""Spaces that `pad` may put in; whoever creates a container must not have any amount of memory."""
_ACTION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TOKEN: Final = re.compile(r'\s*(?:(\.\w+)|("(?:[^"\\]|\\.)*")|(-?\d+)|(\w+))\s*')

DEFAULT_TEMPLATE: Final = "{{.ID}}"
"""The tag of drivers that always have one."""

_Value = str | int


def parse_log_tag(template: str, info: LogInfo) -> str:
    """The tag with the container's facts filled in. Raises ValueError as text/template would."""
    if "{{" in _ACTION.sub("", template):
        raise ValueError("template: log-tag:1: unclosed action")
    return _ACTION.sub(lambda action: _pipeline(action[1], info), template)


def _pipeline(text: str, info: LogInfo) -> str:
    """`.Name | truncate 4`: each command gets the one before it as its last argument."""
    piped: list[_Value] = []
    for command in text.split("|"):
        piped = [_command(command, piped, info)]
    return str(piped[0])


def _command(text: str, piped: list[_Value], info: LogInfo) -> _Value:
    function: Callable[..., _Value] | None = None
    arguments: list[_Value] = []
    position = 0
    while position < len(text) or not position:
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"template: log-tag:1: unsupported action {text.strip()!r}")
        position = token.end()
        name = token[4]
        if name is None:
            arguments.append(_operand(token, info))
        elif function is None and not arguments and name in _FUNCTIONS:
            function = _FUNCTIONS[name]
        else:
            raise ValueError(f'template: log-tag:1: function "{name}" not defined')
    return _call(function, arguments + piped)


def _operand(token: re.Match[str], info: LogInfo) -> _Value:
    if token[2] is not None:
        return str(json.loads(token[2]))
    if token[3] is not None:
        return int(token[3])
    try:
        return info.tag_field(token[1][1:])
    except KeyError:
        raise ValueError(
            f'template: log-tag:1:{token.start(1) + 2}: executing "log-tag" at <{token[1]}>: '
            f"can't evaluate field {token[1][1:]} in type *logger.Info"
        ) from None


def _call(function: Callable[..., _Value] | None, arguments: list[_Value]) -> _Value:
    if function is None and len(arguments) == 1:
        return arguments[0]
    try:
        if function is not None:
            return function(*arguments)
    except (TypeError, AttributeError) as err:
        raise ValueError(f"template: log-tag:1: wrong arguments: {err}") from err
    raise ValueError("template: log-tag:1: can't give argument to non-function")


def _pad(text: str, prefix: int, suffix: int) -> str:
    if max(prefix, suffix) > _WIDEST:
        raise ValueError(f"template: log-tag:1: pad by more than {_WIDEST}")
    return " " * prefix + text + " " * suffix if text else text


_FUNCTIONS: Final[dict[str, Callable[..., _Value]]] = {
    "json": lambda value: json.dumps(value, ensure_ascii=False),
    "lower": str.lower,
    "upper": str.upper,
    "title": lambda text: re.sub(r"\b\w", lambda found: found[0].upper(), text),
    "pad": _pad,
    "truncate": lambda text, length: text[:length],
}
