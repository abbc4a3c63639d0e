"""The API over a real Unix socket, with verbs that a test puts in place of the engine's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from yarl import URL

from runner.api.app import make_app
from runner.api.server import listen, serving
from runner.trace.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Reply:
    """An answer, read to its end."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Api:
    """A served API and ways to ask it."""

    path: Path
    engine: SimpleNamespace
    http: aiohttp.ClientSession = field(repr=False)

    async def ask(self, method: str, path: str, **options: Any) -> Reply:
        url = URL(f"http://api{path}", encoded=True)
        async with self.http.request(method, url, **options) as answer:
            return Reply(answer.status, await answer.read(), dict(answer.headers))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_unix_connection(str(self.path))

    async def raw(self, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await self.connect()
        writer.write(request)
        return reader, writer


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    engine = SimpleNamespace(events=SimpleNamespace(), recordings=Recordings())
    with tempfile.TemporaryDirectory() as folder:  # pytest's own are too long for a socket
        path = Path(folder) / "api.sock"
        listeners = listen([f"unix://{path}"])
        async with contextlib.AsyncExitStack() as stack:
            for listener in listeners:
                stack.callback(listener.close)
            await stack.enter_async_context(
                serving(make_app(engine), listeners, shutdown_timeout=0.2)
            )
            http = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)))
            )
            yield Api(path, engine, http)
