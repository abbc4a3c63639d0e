"""The Engine API as an aiohttp application: finds the handler, checks versions, shapes errors.

The table of moby's routers is our own (`routing.py`), since gorilla/mux's rules differ from
aiohttp's: names with slashes, one answer for an unknown path and an unknown method.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import warnings
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from runner import trace
from runner.api import (
    archive,
    commit,
    containers,
    disk_usage,
    events,
    execs,
    images,
    networks,
    prune,
    registry,
    stats,
    streams,
    system,
    traces,
    volumes,
)
from runner.api.body import read_limited
from runner.api.call import Call
from runner.api.description.document import document
from runner.api.errors import error_response, report
from runner.api.form import Form, parse_query
from runner.api.hijack import Taken
from runner.api.respond import HEADERS
from runner.api.routing import Match, Route, Router, split_version
from runner.api.version import CURRENT, ApiVersion, check_version
from runner.types.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from runner.engine.engine import Engine

log = logging.getLogger(__name__)

_FORM_TYPE: Final = "application/x-www-form-urlencoded"
_MAX_FORM: Final = 10 * 1024 * 1024  # net/http's own limit
_SHUTDOWN_TIMEOUT: Final = 10.0
_NOT_RECORDED: Final = contextlib.nullcontext()


async def describe(_call: Call) -> web.Response:
    """All that is served here, as OpenAPI describes it. Ours: dockerd serves no description."""
    body = await asyncio.to_thread(_description)
    return web.Response(body=body, content_type="application/json")


@functools.cache
def _description() -> bytes:
    return msgspec.json.encode(document(ROUTES))


ROUTES: Final = [
    *system.ROUTES,
    *events.ROUTES,
    *containers.ROUTES,
    *streams.ROUTES,
    *execs.ROUTES,
    *archive.ROUTES,
    *commit.ROUTES,
    *images.ROUTES,
    *networks.ROUTES,
    *registry.ROUTES,
    *stats.ROUTES,
    *prune.ROUTES,
    *disk_usage.ROUTES,
    *volumes.ROUTES,
    *traces.ROUTES,
    Route("GET", "/runner/openapi.json", describe, own=True),
]


def make_app(engine: Engine) -> web.Application:
    """The application. Serve it with `handler_cancellation=True`: streams rely on it."""
    dispatcher = _Dispatcher(engine)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        app = web.Application(router=_OneForAll(dispatcher.handle))
    app.on_shutdown.append(dispatcher.shut_down)
    return app


class _OneForAll(web.UrlDispatcher):
    """One handler for every path.

    aiohttp's own look-up goes from a path to its parent to its parent: seconds for a long one.
    """

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        super().__init__()
        self._everything = self.add_route("*", "/{path:.*}", handler)

    async def resolve(self, request: web.Request) -> web.UrlMappingMatchInfo:
        """Always the one."""
        return web.UrlMappingMatchInfo({}, self._everything)


class _Dispatcher:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._router = Router(ROUTES)
        self._unfinished: set[asyncio.Task[web.StreamResponse]] = set()
        self._streams: set[asyncio.Task[Any]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request; whatever goes wrong becomes an answer."""
        version, path = split_version(request.path)
        match = self._router.find(request.method, path)
        if match is None or (match.route.own and version is not None):
            return error_response(NotFound("page not found"))
        answer = await self._answer(request, match, version)
        if not answer.prepared:
            answer.headers.update(HEADERS)
        return answer

    async def _answer(
        self, request: web.Request, match: Match, version: str | None
    ) -> web.StreamResponse:
        asked = ApiVersion(version) if version is not None else CURRENT
        call = Call(self._engine, request, asked, match.variables.get("name", ""))
        place = self._engine.recordings.place(request.headers.get("traceparent", ""))
        try:
            with trace.continued(place) if place else _NOT_RECORDED, _step(match.route) as step:
                check_version(asked)
                call.form = Form(await _form(request))
                answer = await self._serve(match, call)
                if step is not None:
                    step.attributes.setdefault("status", answer.status)
                return answer
        except Exception as error:
            gone = request.transport is None or request.transport.is_closing()
            if not (gone and isinstance(error, ConnectionError)):
                report(error, f"{request.method} {request.path}")
            if gone or call.begun:
                return _break_off(request.transport)
            return error_response(error, plain_text=version is not None and asked.below("1.24"))

    async def _serve(self, match: Match, call: Call) -> web.StreamResponse:
        answer = match.route.handler(call)
        return await (self._stream(answer) if match.route.stream else self._finish(answer, call))

    async def _stream(self, answer: Awaitable[web.StreamResponse]) -> web.StreamResponse:
        """Await the answer, which ends with its client or the engine."""
        task = asyncio.current_task()
        assert task is not None
        self._streams.add(task)
        try:
            return await answer
        finally:
            self._streams.discard(task)

    async def _finish(
        self, answer: Awaitable[web.StreamResponse], call: Call
    ) -> web.StreamResponse:
        """Await the answer; if the client goes away the work goes on without it."""
        task = asyncio.ensure_future(answer)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            what = f"{call.request.method} {call.request.path}"
            task.add_done_callback(lambda task: _report_abandoned(task, what))
            raise

    async def shut_down(self, _app: web.Application) -> None:
        """End the streams, which would never end by themselves, and finish what has begun."""
        for task in list(self._streams):
            task.cancel()
        if self._unfinished:
            await asyncio.wait(self._unfinished, timeout=_SHUTDOWN_TIMEOUT)


def _step(route: Route) -> AbstractContextManager[trace.Step | None]:
    """The request, as a step under the name that HTTP's have: `POST /containers/{name}/start`."""
    if route.own:
        return _NOT_RECORDED
    name = f"{route.method} {route.path.replace(':.*', '')}"
    return trace.step(name, kind="server", waits=route.stream)


def _report_abandoned(task: asyncio.Task[web.StreamResponse], what: str) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ConnectionError):
        report(error, f"{what} (client gone)")


def _break_off(transport: asyncio.Transport | None) -> web.StreamResponse:
    """The client has gone, or has read half an answer: an abrupt end alone can tell it of that."""
    if transport is not None:
        transport.close()
    return Taken()


async def _form(request: web.Request) -> dict[str, list[str]]:
    """Query and form values together, those of the body first (net/http ParseForm)."""
    _, _, query = request.raw_path.partition("?")
    values = parse_query(query) if query else {}
    if request.method in ("POST", "PUT", "PATCH") and request.content_type == _FORM_TYPE:
        body = await read_limited(request, _MAX_FORM)
        for name, given in parse_query(body.decode("utf-8", "replace")).items():
            values[name] = given + values.get(name, [])
    return values
