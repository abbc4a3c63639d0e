"""Files of containers: archive, export, changes (moby container copy.go, container_routes.go)."""

from __future__ import annotations

import base64
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner.api.body import body_chunks
from runner.api.negotiation import content_encoding
from runner.api.respond import Stream, json_response
from runner.api.routing import Route
from runner.engine.archive import (
    container_archive_path,
    container_extract_to_dir,
    container_stat_path,
)
from runner.engine.changes import container_changes
from runner.engine.export import container_export
from runner.types import times, wire
from runner.types.container import ContainerPathStat
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from runner.api.call import Call
    from runner.files.messages import PathStat

_STAT_HEADER: Final = "X-Docker-Container-Path-Stat"


async def head(call: Call) -> web.Response:
    """What is at a path, in a header."""
    stat = await container_stat_path(call.engine, *_name_and_path(call))
    return web.Response(headers={_STAT_HEADER: _encode(stat)})


async def get(call: Call) -> web.StreamResponse:
    """A tar of what is at a path, compressed if the client asks for that."""
    name, path = _name_and_path(call)
    async with container_archive_path(call.engine, name, path) as archive:
        stream = Stream(call, "application/x-tar")
        stream.response.headers[_STAT_HEADER] = _encode(archive.stat)
        if encoding := content_encoding(call.request.headers.getall("Accept-Encoding", [])):
            stream.response.enable_compression(encoding)
        async with aclosing(archive.chunks) as chunks:
            async for chunk in chunks:
                await stream.write(chunk)
    return stream.response


async def put(call: Call) -> web.Response:
    """Unpack the body into a directory."""
    name, path = _name_and_path(call)
    await container_extract_to_dir(
        call.engine,
        name,
        path,
        body_chunks(call.request),
        copy_uid_gid=call.form.flag("copyUIDGID"),
        no_overwrite_dir_non_dir=call.form.flag("noOverwriteDirNonDir"),
    )
    return web.Response()


def _name_and_path(call: Call) -> tuple[str, str]:
    """moby ArchiveFormValues."""
    path = call.form.text("path")
    for parameter, value in (("name", call.name), ("path", path)):
        if not value:
            raise InvalidParameter(f"bad parameter: {parameter}cannot be empty")
    return call.name, path


def _encode(stat: PathStat) -> str:
    """moby setContainerPathStatHeader."""
    told = ContainerPathStat(
        name=stat.name,
        size=stat.size,
        mode=stat.mode,
        mtime=times.format_local_ns(stat.mtime_ns),
        link_target=stat.link_target,
    )
    return base64.b64encode(wire.encode(told)).decode()


async def export(call: Call) -> web.StreamResponse:
    """The root file system as a tar."""
    stream = Stream(call, "application/octet-stream")  # as net/http tells it from the first bytes
    async with aclosing(await container_export(call.engine, call.name)) as chunks:
        async for chunk in chunks:
            await stream.write(chunk)
    return stream.response


async def changes(call: Call) -> web.Response:
    """What has changed of the image's files."""
    return json_response(await container_changes(call.engine, call.name) or None)


ROUTES: Final = [
    Route("HEAD", "/containers/{name:.*}/archive", head, stream=True),
    Route("GET", "/containers/{name:.*}/archive", get, stream=True),
    Route("PUT", "/containers/{name:.*}/archive", put, stream=True),
    Route("GET", "/containers/{name:.*}/export", export, stream=True),
    Route("GET", "/containers/{name:.*}/changes", changes, stream=True),
]
