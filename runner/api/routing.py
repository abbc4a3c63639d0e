"""Which handler serves a request (moby api/server, router/*).

Paths stand in the table as in moby's routers: `{name:.*}` takes slashes too, so that image names
can be given as they are. Any path may be preceded by `/v1.xx`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call

Handler = Callable[["Call"], Awaitable["web.StreamResponse"]]

_VERSION: Final = re.compile(r"/v([0-9.]+)(/.*)", re.DOTALL)
_VARIABLE: Final = re.compile(r"\{(\w+)(?::([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table.

    A `stream` handler ends when its client goes away. All others are finished first: half a
    start or stop helps nobody (moby gives those a context that is not cancelled). A route of our
    `own` is none of the Engine API's, and has no version in front.
    """

    method: str
    path: str
    handler: Handler
    stream: bool = False
    own: bool = False

    @property
    def template(self) -> str:
        """The path with its variables' names alone: `/containers/{name}/start`."""
        return _VARIABLE.sub(r"{\1}", self.path)

    @property
    def variables(self) -> list[str]:
        """The names of its path's variables."""
        return [found[1] for found in _VARIABLE.finditer(self.path)]


@dataclass(frozen=True, slots=True)
class Match:
    """A route with the values of its path's variables."""

    route: Route
    variables: dict[str, str]


class Router:
    """The table, compiled."""

    def __init__(self, routes: list[Route]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
        for route in routes:
            if "{" in route.path:
                patterns = self._patterns.setdefault(route.method, [])
                patterns.append((_compile(route.path), route))
            else:
                self._exact[route.method, route.path] = route

    def find(self, method: str, path: str) -> Match | None:
        """The first route that fits, `path` being without version."""
        if route := self._exact.get((method, path)):
            return Match(route, {})
        for pattern, route in self._patterns.get(method, ()):
            if found := pattern.fullmatch(path):
                return Match(route, found.groupdict())
        return None


def split_version(path: str) -> tuple[str | None, str]:
    """`/v1.43/info` is ("1.43", "/info"); without version the first is None."""
    found = _VERSION.fullmatch(path)
    return (found[1], found[2]) if found else (None, path)


def _compile(path: str) -> re.Pattern[str]:
    parts = []
    end = 0
    for variable in _VARIABLE.finditer(path):
        parts.append(re.escape(path[end : variable.start()]))
        parts.append(f"(?P<{variable[1]}>{variable[2] or '[^/]+'})")
        end = variable.end()
    return re.compile("".join(parts) + re.escape(path[end:]), re.DOTALL)
