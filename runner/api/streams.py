"""Attach, wait, logs, bundle: answers that last (moby container_routes.go)."""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus

from runner.api.errors import message_of, report, status_of
from runner.api.hijack import (
    RAW_STREAM,
    Taken,
    frame,
    hijacked,
    stream_type,
    upgrade_head,
)
from runner.api.respond import Stream
from runner.api.routing import Route
from runner.engine.attach import AttachRequest, container_attach
from runner.engine.bundle import container_bundle
from runner.engine.logs import LogsRequest, container_logs
from runner.engine.wait import container_wait
from runner.types.errors import InvalidParameter, RunnerError
from runner.types.times import format_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from runner.api.call import Call
    from runner.logs import Message

_STDOUT, _STDERR, _SYSTEM_ERROR = 1, 2, 3


async def attach(call: Call) -> web.StreamResponse:
    """Hand the connection to the container's streams."""
    form = call.form
    asked = AttachRequest(
        stdin=form.flag("stdin"),
        stdout=form.flag("stdout"),
        stderr=form.flag("stderr"),
        stream=form.flag("stream"),
        logs=form.flag("logs"),
        detach_keys=form.text("detachKeys"),
    )
    try:
        attachment = await container_attach(call.engine, call.name, asked)
    except RunnerError as error:
        return await _refuse(call, error)
    head = upgrade_head(call, multiplexed=not attachment.tty)
    call.begun = True
    async with hijacked(call.request, head, multiplexed=not attachment.tty) as stream:
        with contextlib.suppress(ConnectionError):
            await attachment.run(stream)
    return Taken()


async def _refuse(call: Call, error: RunnerError) -> web.StreamResponse:
    """dockerd answers a failed attach on the raw connection: plain text, no length, closed."""
    report(error, f"{call.request.method} {call.request.path}")
    status = HTTPStatus(status_of(error))
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {RAW_STREAM}\r\n\r\n"
    body = f"{message_of(error)}\r\n"
    async with hijacked(call.request, (head + body).encode(), multiplexed=False):
        return Taken()


async def wait(call: Call) -> web.StreamResponse:
    """The exit code, when there is one. The header goes out as soon as the wait is registered.

    Clients start the container only when they have that header, and so miss no exit.
    """
    legacy = call.version.below("1.30")
    condition = "" if legacy else call.form.text("condition")
    waiter = await container_wait(call.engine, call.name, condition)
    stream = Stream(call, "application/json")
    if not legacy:
        await stream.start()
    result = await waiter.result()
    if result.error and condition == "removed" and call.version.below("1.34"):
        return stream.response  # these clients only understand an empty answer as a failure
    await stream.write_json(result)
    return stream.response


async def logs(call: Call) -> web.StreamResponse:
    """The container's log, framed unless it is a terminal's."""
    form = call.form
    asked = LogsRequest(
        stdout=form.flag("stdout"),
        stderr=form.flag("stderr"),
        follow=form.flag("follow"),
        since=form.text("since"),
        until=form.text("until"),
        tail=form.text("tail"),
        timestamps=form.flag("timestamps"),
        details=form.flag("details"),
    )
    if not (asked.stdout or asked.stderr):
        raise InvalidParameter("Bad parameters: you must choose at least one stream")
    async with contextlib.aclosing(await container_logs(call.engine, call.name, asked)) as log:
        stream = Stream(call, stream_type(call, multiplexed=not log.tty))
        await stream.start()
        try:
            async for messages in log.messages:
                lines = (_encode(message, asked, framed=not log.tty) for message in messages)
                await stream.write(b"".join(lines))
        except RunnerError as error:
            text = f"Error grabbing logs: {error}\n".encode()
            await stream.write(text if log.tty else frame(_SYSTEM_ERROR, text))
    return stream.response


def _encode(message: Message, asked: LogsRequest, *, framed: bool) -> bytes:
    """One record as the client sees it (moby WriteLogStream)."""
    line = message.line
    if asked.details:
        line = _details(message.attrs) + b" " + line
    if asked.timestamps:
        line = _fixed_time(message.timestamp_ns) + b" " + line
    if not framed:
        return line
    return frame(_STDERR if message.stream == "stderr" else _STDOUT, line)


def _details(attrs: Mapping[str, str]) -> bytes:
    pairs = (f"{quote_plus(key)}={quote_plus(attrs[key])}" for key in sorted(attrs))
    return ",".join(pairs).encode()


def _fixed_time(timestamp_ns: int) -> bytes:
    """RFC3339 with all nine digits, so that columns align."""
    whole = format_ns(timestamp_ns - timestamp_ns % 1_000_000_000).removesuffix("Z")
    return f"{whole}.{timestamp_ns % 1_000_000_000:09d}Z".encode()


async def bundle(call: Call) -> web.StreamResponse:
    """The container as an OCI bundle, a tar archive. Ours, not dockerd's."""
    stream = Stream(call, "application/x-tar")
    # closed at once should the client go: the container is locked and mounted meanwhile
    async with contextlib.aclosing(await container_bundle(call.engine, call.name)) as chunks:
        async for chunk in chunks:
            await stream.write(chunk)
    await stream.start()
    return stream.response


ROUTES: Final = [
    Route("POST", "/containers/{name:.*}/attach", attach, stream=True),
    Route("POST", "/containers/{name:.*}/wait", wait, stream=True),
    Route("GET", "/containers/{name:.*}/logs", logs, stream=True),
    Route("GET", "/containers/{name:.*}/bundle", bundle, stream=True),
]
