"""Request bodies (moby httputils ReadJSON, CheckForJSON)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, TypeVar

from runner import trace
from runner.types import wire
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

T = TypeVar("T")

MAX_JSON: Final = 16 * 1024 * 1024
"""Bytes of a JSON body; the largest real ones carry a seccomp profile of some 100 KiB."""

_MEDIA_TYPE: Final = re.compile(r"\s*[\w!#$&^.+-]+(/[\w!#$&^.+-]+)?\s*(;.*)?", re.DOTALL)


def check_for_json(request: web.BaseRequest) -> None:
    """Raise InvalidParameter unless the body, if there is one, is declared to be JSON."""
    declared = request.headers.get("Content-Type", "")
    if not declared and not request.body_exists:
        return
    if not _MEDIA_TYPE.fullmatch(declared):
        reason = "mime: no media type" if not declared.strip() else "mime: invalid media parameter"
        raise InvalidParameter(f"malformed Content-Type header ({declared}): {reason}")
    if declared.partition(";")[0].strip().lower() != "application/json":
        raise InvalidParameter(
            f"unsupported Content-Type header ({declared}): must be 'application/json'"
        )


async def read_json(request: web.BaseRequest, into: type[T]) -> T:
    """The body as a value of `into`. Raises InvalidParameter with dockerd's texts."""
    check_for_json(request)
    body = await read_limited(request, MAX_JSON)
    if trace.recorded():
        trace.note(request=body.decode("utf-8", "replace"))
    if not body.strip():
        raise InvalidParameter("invalid JSON: got EOF while reading request body")
    if body.strip() == b"null":
        body = b"{}"  # to encoding/json both leave the value as it is
    try:
        return wire.decode(body, into)
    except InvalidParameter:
        if _has_more(body):
            raise InvalidParameter("unexpected content after JSON") from None
        raise


def _has_more(body: bytes) -> bool:
    """Whether a whole JSON value is followed by something else."""
    text = body.decode("utf-8", "replace").lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return bool(text[end:].strip())


async def read_limited(request: web.BaseRequest, limit: int) -> bytes:
    """The whole body. Raises InvalidParameter when it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in body_chunks(request):
        body += chunk
        if len(body) > limit:
            raise InvalidParameter("http: request body too large")
    return bytes(body)


async def body_chunks(request: web.BaseRequest) -> AsyncIterator[bytes]:
    """The body as it comes, some at a time; the client waits while nobody asks for more."""
    while chunk := await request.content.readany():
        yield chunk
