"""Answers: JSON at once, nothing, or a stream that begins before its end is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from runner import __version__
from runner.api.version import API_VERSION
from runner.types import wire

if TYPE_CHECKING:
    from runner.api.call import Call


HEADERS: Final = {
    "Server": f"runner/{__version__} (linux)",
    "Api-Version": API_VERSION,
    "Ostype": "linux",
    "Docker-Experimental": "false",
}
"""On every answer to a known route: clients negotiate with them (moby VersionMiddleware)."""


def json_response(value: Any, status: int = 200) -> web.Response:
    """moby WriteJSON: with a newline behind it, as json.Encoder writes."""
    return web.Response(
        status=status, body=wire.encode(value) + b"\n", content_type="application/json"
    )


def wire_response(builtins: Any) -> web.Response:
    """The same of what `wire.to_wire` has made, whose members stay in their order."""
    return web.Response(body=msgspec.json.encode(builtins) + b"\n", content_type="application/json")


def no_content() -> web.Response:
    """Done, nothing to say."""
    return web.Response(status=204)


class Stream:
    """An answer of unknown length. Its header goes out at the first write, or when asked for."""

    def __init__(self, call: Call, content_type: str) -> None:
        self._call = call
        self.response = web.StreamResponse(headers={**HEADERS, "Content-Type": content_type})

    @property
    def started(self) -> bool:
        """Whether the client has a status already, so that an error must go in-band."""
        return self.response.prepared

    async def start(self) -> None:
        """Send the header now."""
        if not self.started:
            self._call.begun = True
            await self.response.prepare(self._call.request)

    async def write(self, data: bytes) -> None:
        """Send some of the body now; waits for a client that reads slowly."""
        await self.start()
        await self.response.write(data)

    async def write_json(self, value: Any) -> None:
        """Send one JSON message with its newline."""
        await self.write(wire.encode(value) + b"\n")
