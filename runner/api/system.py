"""_ping, version, info, OPTIONS (moby api/server/router/system)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.info import system_info
from runner.engine.version import system_version
from runner.types import wire

if TYPE_CHECKING:
    from runner.api.call import Call
    from runner.types.system import Info

_PING_HEADERS: Final = {
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Swarm": "inactive",
}
"""No Builder-Version: it would promise a builder."""


async def ping(call: Call) -> web.Response:
    """Are you there, and what do you speak?"""
    if call.request.method == "HEAD":
        headers = {**_PING_HEADERS, "Content-Length": "0"}
        return web.Response(content_type="text/plain", charset="utf-8", headers=headers)
    return web.Response(text="OK", headers=_PING_HEADERS)


async def options(call: Call) -> web.Response:
    """Anything goes."""
    return web.Response()


async def version(call: Call) -> web.Response:
    """The engine's parts and their versions."""
    return json_response(await system_version(call.engine))


async def info(call: Call) -> web.Response:
    """The engine and its host."""
    return json_response(info_for(await system_info(call.engine), call))


def info_for(info: Info, call: Call) -> dict[str, Any]:
    """What a client of this API version expects (moby getInfo)."""
    version = call.version
    if version.below("1.25"):
        info.security_options = [_security_name(option) for option in info.security_options]
    if version.below("1.44"):
        for runtime in info.runtimes.values():
            runtime.status = None
    if version.below("1.46"):
        info.containerd = None
    if version.below("1.49"):
        info.firewall_backend = None
        for commit in (info.containerd_commit, info.runc_commit, info.init_commit):
            commit.expected = commit.id
    if not version.below("1.42"):
        info.kernel_memory = False
    answer: dict[str, Any] = wire.to_wire(info)
    if version.below("1.47"):
        for name in ("CIDRs", "Hostnames"):
            answer["RegistryConfig"][f"AllowNondistributableArtifacts{name}"] = None
    if version.below("1.50"):
        answer |= {"BridgeNfIptables": False, "BridgeNfIp6tables": False}
    return answer


def _security_name(option: str) -> str:
    """`name=seccomp,profile=builtin` was once just `seccomp`."""
    return option.partition(",")[0].removeprefix("name=")


ROUTES: Final = [
    Route("GET", "/_ping", ping),
    Route("HEAD", "/_ping", ping),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("OPTIONS", "/{anyroute:.*}", options),
]
