"""A registry on a loopback port that answers as the test says."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.test_utils import TestServer

from runner.image.reference import Reference
from runner.types.image import MEDIA_TYPE_OCI_MANIFEST, Descriptor

if TYPE_CHECKING:
    from pathlib import Path

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass
class Server:
    """What was asked, and where to ask. Handlers may be changed at any time."""

    handler: Handler
    port: int = 0
    requests: list[web.Request] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def reference(self, tag: str = "v1") -> Reference:
        return Reference(f"127.0.0.1:{self.port}", "some/repo", tag)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.counts[f"{request.method} {request.path}"] += 1
        return await self.handler(request)


@contextlib.asynccontextmanager
async def serving(handler: Handler, certificates: Path | None = None) -> AsyncIterator[Server]:
    """Serve until the end of the block, with TLS where there are certificates."""
    server = Server(handler)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    # A TLS greeting is what every first connection begins with; it is not worth a log line.
    running = TestServer(app, host="127.0.0.1")
    await running.start_server(access_log=None, ssl=_tls(certificates) if certificates else None)
    async with running:
        assert running.port is not None
        server.port = running.port
        yield server


def _tls(certificates: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    return context


def answer(
    body: bytes = b"",
    *,
    status: int = 200,
    media_type: str = MEDIA_TYPE_OCI_MANIFEST,
    digest: str | None = None,
    **headers: str,
) -> Handler:
    """The same answer to everything, as a well-behaved registry gives it for a manifest."""

    async def handler(request: web.Request) -> web.StreamResponse:
        sent = {"Content-Type": media_type, "Docker-Content-Digest": digest or digest_of(body)}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=sent)

    return handler


def blob(data: bytes, size: int | None = None) -> Descriptor:
    """The descriptor of a layer with these bytes."""
    length = len(data) if size is None else size
    return Descriptor("application/vnd.oci.image.layer.v1.tar", digest_of(data), length)
