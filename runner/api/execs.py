"""Exec (moby api/server/router/container/exec.go)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.body import read_json
from runner.api.errors import message_of, report
from runner.api.form import terminal_size
from runner.api.hijack import Taken, hijacked, upgrade_head
from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.exec import (
    container_exec_create,
    container_exec_inspect,
    container_exec_resize,
    container_exec_start,
)
from runner.types.errors import RunnerError
from runner.types.exec import ExecCreateResponse, ExecOptions, ExecStartOptions

if TYPE_CHECKING:
    from runner.api.call import Call

_STDOUT: Final = 1


async def create(call: Call) -> web.Response:
    """Make an exec in a container."""
    options = await read_json(call.request, ExecOptions)
    if call.version.below("1.42"):
        options.console_size = None
    exec_id = container_exec_create(call.engine, call.name, options)
    return json_response(ExecCreateResponse(exec_id), status=201)


async def start(call: Call) -> web.StreamResponse:
    """Start it. Unless detached the connection becomes its streams, and errors are told there."""
    options = await read_json(call.request, ExecStartOptions)
    call.engine.execs.active(call.name)
    with_size = options.tty and not call.version.below("1.42")
    size = options.console_size if with_size else None
    if options.detach:
        await container_exec_start(call.engine, call.name, None, size)
        return web.Response()
    head = upgrade_head(call, multiplexed=not options.tty)
    call.begun = True
    async with hijacked(call.request, head, multiplexed=not options.tty) as stream:
        with contextlib.suppress(ConnectionError):
            try:
                await container_exec_start(call.engine, call.name, stream, size)
            except RunnerError as error:
                report(error, f"{call.request.method} {call.request.path}")
                await stream.write(_STDOUT, f"{message_of(error)}\r\n".encode())
    return Taken()


async def resize(call: Call) -> web.Response:
    """Tell its terminal the size of the client's."""
    await container_exec_resize(call.engine, call.name, *terminal_size(call.form))
    return web.Response()


async def inspect(call: Call) -> web.Response:
    """All about it."""
    return json_response(container_exec_inspect(call.engine, call.name))


ROUTES: Final = [
    Route("POST", "/containers/{name:.*}/exec", create),
    Route("POST", "/exec/{name:.*}/start", start, stream=True),
    Route("POST", "/exec/{name:.*}/resize", resize),
    Route("GET", "/exec/{name:.*}/json", inspect),
]
