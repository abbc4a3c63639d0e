"""The demo as a page: a server on the loopback interface for one browser.

The address has a token that works once: it is traded for a cookie, which everything else wants.
Requests must name this very host and port, so that no other page can reach it through the browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hmac
import json
import secrets
import signal
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.demo.scenarios import SCENARIOS
from runner.demo.stage import Audience
from runner.trace.page import FOLDER
from runner.trace.road import described
from runner.trace.source import source_of
from runner.types.errors import RunnerError, System

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.demo.scenarios import Scenario
    from runner.demo.stage import Command, Stage

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_COOKIE: Final = "runner-demo"
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src data:; style-src 'self' 'unsafe-inline'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
_ONCE: Final = (
    "The address that `runner demo --web` prints works once, in one browser.\n"
    "Go on in the window that has it open. If that is gone, end the demo with Ctrl-C,\n"
    "start it again, and open the new address.\n"
)
_KINDS: Final = {".css": "text/css", ".js": "text/javascript"}


def serve(stage: Stage, *, port: int = 0, scenario: str = "") -> None:
    """Serve until SIGINT or SIGTERM; says the address on stdout. Raises System.

    The page begins with the scenario, if there is one.
    """
    asyncio.run(_serve(stage, port, scenario))


async def _serve(stage: Stage, port: int, scenario: str) -> None:
    page = Page(stage)
    runner = web.AppRunner(page.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        try:
            await site.start()
        except OSError as err:
            raise System(f"cannot listen on 127.0.0.1:{port}: {err.strerror}") from err
        (address,) = runner.addresses
        page.host = f"127.0.0.1:{address[1]}"
        begun_with = f"#{scenario}" if scenario else ""  # not sent to us: the page reads it
        print(f"http://{page.host}/?token={page.token}{begun_with}")  # noqa: T201 - the answer
        print("Open it in a browser on this machine; Ctrl-C ends the demo.", flush=True)  # noqa: T201
        await stopping.wait()
    finally:
        page.close()
        await runner.cleanup()


class Page:
    """What the browser talks to, and what is played meanwhile."""

    def __init__(self, stage: Stage) -> None:
        self.host = ""
        self.token = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(24)
        self._stage = stage
        self._events: list[dict[str, Any]] = []
        self._listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._playing: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        stage.audience = Audience(self._step, self._say, self._command)
        self.app = web.Application(middlewares=[self._guarded])
        self.app.add_routes(
            [
                web.get("/", self._index),
                web.get("/page/{name}", self._file),
                web.get("/scenarios", self._scenarios),
                web.get("/source", self._source),
                web.get("/events", self._stream),
                web.post("/run", self._run),
            ]
        )

    def close(self) -> None:
        """End the streams, which would never end by themselves."""
        for listener in self._listeners:
            listener.put_nowait(None)

    # --- who may come in ---------------------------------------------------------------------

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Host, session, and for what changes something the origin."""
        if request.headers.get("Host") != self.host:
            return web.Response(status=403, text="this is not the address of the demo")
        if request.method != "GET" and request.headers.get("Origin") != f"http://{self.host}":
            return web.Response(status=403, text="another page must not do this")
        if token := request.query.get("token"):
            return self._trade(token)
        if not hmac.compare_digest(request.cookies.get(_COOKIE, ""), self._session):
            return web.Response(status=403, text=_ONCE)
        answer = await handler(request)
        if not answer.prepared:
            answer.headers.update(_HEADERS)
        return answer

    def _trade(self, token: str) -> web.Response:
        """The token for a cookie, once."""
        if not self.token or not hmac.compare_digest(token.encode(), self.token.encode()):
            return web.Response(status=403, text=_ONCE)
        self.token = ""
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(_COOKIE, self._session, httponly=True, samesite="Strict")
        return answer

    # --- what there is -----------------------------------------------------------------------

    async def _index(self, _: web.Request) -> web.Response:
        text = (FOLDER / "index.html").read_text()
        return web.Response(text=text, content_type="text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = {path.name: path for path in FOLDER.iterdir() if path.suffix in _KINDS}.get(name)
        if found is None:
            return web.Response(status=404)
        return web.Response(text=found.read_text(), content_type=_KINDS[found.suffix])

    async def _scenarios(self, _: web.Request) -> web.Response:
        return web.json_response([_told(scenario) for scenario in SCENARIOS.values()])

    async def _source(self, request: web.Request) -> web.Response:
        found = source_of(request.query.get("file", ""), request.query.get("function", ""))
        return web.json_response(found) if found else web.Response(status=404)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: all of the present scenario, from its beginning."""
        answer = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await answer.prepare(request)
        news: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        for known in self._events:
            news.put_nowait(known)
        self._listeners.add(news)
        try:
            while (event := await news.get()) is not None:
                await answer.write(f"data: {json.dumps(event)}\n\n".encode())
        except ConnectionError:
            pass  # the browser has gone
        finally:
            self._listeners.discard(news)
        return answer

    async def _run(self, request: web.Request) -> web.Response:
        try:
            scenario = SCENARIOS[json.loads(await request.text())["scenario"]]
        except (ValueError, KeyError, TypeError):
            return web.Response(status=404, text="no such scenario")
        if self._playing is not None and not self._playing.done():
            return web.Response(status=409, text="one is being played")
        self._events.clear()
        self._tell({"kind": "begin", "scenario": _told(scenario)})
        self._playing = asyncio.create_task(self._play(scenario))
        return web.Response(status=204)

    # --- what happens ------------------------------------------------------------------------

    async def _play(self, scenario: Scenario) -> None:
        error = ""
        try:
            await asyncio.to_thread(self._perform, scenario)
        except (RunnerError, OSError) as err:
            error = str(err)
        self._tell({"kind": "end", "scenario": _told(scenario), "error": error})

    def _perform(self, scenario: Scenario) -> None:
        with self._stage.scenario(scenario.name):
            scenario.run(self._stage)

    def _step(self, step: dict[str, Any]) -> None:
        self._tell_soon({"kind": "span", "span": described(step)})

    def _say(self, text: str) -> None:
        self._tell_soon({"kind": "say", "text": text})

    def _command(self, command: Command) -> None:
        self._tell_soon({"kind": "command", **dataclasses.asdict(command)})

    def _tell_soon(self, event: dict[str, Any]) -> None:
        """From whatever thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the page
            self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        for listener in self._listeners:
            listener.put_nowait(event)


def _told(scenario: Scenario) -> dict[str, str]:
    names = ("name", "title", "about", "look")
    return {name: getattr(scenario, name) for name in names}
