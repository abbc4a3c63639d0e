"""Registries (moby api/server/router/distribution, system postAuth)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.api.body import MAX_JSON, read_limited
from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.registry import authenticate, distribution_inspect
from runner.image import reference as references
from runner.image.reference import Reference
from runner.image.registry.credentials import Credentials
from runner.types import wire
from runner.types.errors import InvalidParameter, RunnerError

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call


async def auth(call: Call) -> web.Response:
    """Try credentials, as `docker login` does."""
    body = await read_limited(call.request, MAX_JSON)
    if not body.strip():
        raise RunnerError("EOF")
    try:
        given: dict[str, Any] = wire.decode(body, dict[str, Any])
    except InvalidParameter as err:  # to dockerd an error without a class
        raise RunnerError(err.message.removeprefix("invalid JSON: ")) from err
    token = await authenticate(call.engine, Credentials.from_body(given))
    return json_response({"IdentityToken": token, "Status": "Login Succeeded"})


async def distribution(call: Call) -> web.Response:
    """What a registry has under a name."""
    reference = references.parse_any(call.name)
    if not isinstance(reference, Reference):
        raise RunnerError("no manifest found for full image ID")
    credentials = Credentials.from_header(call.request.headers.get("X-Registry-Auth"))
    return json_response(await distribution_inspect(call.engine, reference, credentials))


ROUTES: Final = [
    Route("POST", "/auth", auth),
    Route("GET", "/distribution/{name:.*}/json", distribution),
]
