"""Images (moby api/server/router/image)."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from runner.api.body import body_chunks
from runner.api.image_filters import parse_image_filters
from runner.api.progress import ProgressStream
from runner.api.respond import Stream, json_response, wire_response
from runner.api.routing import Route
from runner.engine.images import (
    image_delete,
    image_history,
    image_import,
    image_inspect,
    image_list,
    image_load,
    image_pull,
    image_push,
    image_saving,
    image_tag,
)
from runner.engine.registry import image_search
from runner.image import digest as digests
from runner.image import platform as platforms
from runner.image import reference as references
from runner.image.deleting import DeleteOptions
from runner.image.download import downloading
from runner.image.registry.credentials import Credentials
from runner.types import gojson, wire
from runner.types.errors import Forbidden, InvalidParameter
from runner.types.gotext import atoi
from runner.types.image import Platform, ProgressMessage
from runner.types.times import ZERO_TIME

if TYPE_CHECKING:
    from runner.api.call import Call
    from runner.api.version import ApiVersion
    from runner.image.reference import Reference
    from runner.types.image import ImageInspect, ImageSummary

_LEGACY_CONFIG: Final[dict[str, Any]] = {
    **dict.fromkeys(("AttachStderr", "AttachStdin", "AttachStdout"), False),
    **dict.fromkeys(("OpenStdin", "StdinOnce", "Tty"), False),
    **dict.fromkeys(("Domainname", "Hostname", "Image", "User", "WorkingDir"), ""),
    **dict.fromkeys(("Cmd", "Entrypoint", "Env", "Labels", "OnBuild", "Volumes"), None),
}
"""What an image's config always showed before API 1.50 (moby inspect_response.go)."""


async def create(call: Call) -> web.StreamResponse:
    """Pull (`fromImage`) or import (`fromSrc`)."""
    wanted = call.form.text("platform")
    platform = platforms.parse(wanted) if wanted and not call.version.below("1.32") else None
    if image := call.form.text("fromImage"):
        return await _pull(call, image, platform)
    return await _import(call, platform)


async def _pull(call: Call, image: str, platform: Platform | None) -> web.StreamResponse:
    reference = _pull_reference(image, call.form.text("tag"))
    credentials = _credentials(call)
    progress = ProgressStream(call)
    return await progress.run(
        image_pull(call.engine, reference, platform, credentials, progress.tell)
    )


def _credentials(call: Call) -> Credentials:
    return Credentials.from_header(call.request.headers.get("X-Registry-Auth"))


def _pull_reference(image: str, tag: str) -> Reference:
    """The tag may be a digest; `name:` is what `pull -a` sends."""
    reference = references.parse(image.removesuffix(":"))
    if tag and digests.is_digest(tag):
        reference = reference.trimmed().with_digest(tag)
    elif tag:
        reference = reference.with_tag(tag)
    if reference.familiar_name == "scratch":
        raise Forbidden("'scratch' is a reserved name")
    return reference


async def push(call: Call) -> web.StreamResponse:
    """Push the tag, or without one all tags."""
    name, tag = call.name, call.form.text("tag")
    reference = repo_tag_reference(name, tag) if tag else references.parse(name)
    assert reference is not None  # the route wants a name
    platform = None
    if not call.version.below("1.46"):
        platform = _decode_platform(call.form.text("platform"))
    credentials = _credentials(call)
    progress = ProgressStream(call)
    return await progress.run(
        image_push(call.engine, reference, platform, credentials, progress.tell)
    )


async def _import(call: Call, platform: Platform | None) -> web.StreamResponse:
    form = call.form
    source = form.text("fromSrc")
    reference = repo_tag_reference(form.text("repo"), form.text("tag"))
    message = form.text("message") or f"Imported from {source}"
    progress = ProgressStream(call)

    async def work() -> None:
        async with AsyncExitStack() as resources:
            body = body_chunks(call.request)
            if source != "-":
                body = await resources.enter_async_context(downloading(source, progress.tell))
            changes = form.all("changes")
            image_id = await image_import(call.engine, body, reference, changes, message, platform)
        progress.tell(ProgressMessage(status=image_id))

    return await progress.run(work())


def repo_tag_reference(repo: str, tag: str) -> Reference | None:
    """moby RepoTagReference: `latest` unless there is a tag; None without a repository."""
    if not repo:
        return None
    reference = references.parse(repo)
    if reference.digest is not None:
        raise InvalidParameter("cannot import digest reference")
    return reference.with_tag(tag) if tag else reference.with_default_tag()


async def load(call: Call) -> web.StreamResponse:
    """Load an archive. dockerd tells even the first error in-band here."""
    platform = _single_platform(call)
    progress = ProgressStream(call, always=True)
    return await progress.run(
        image_load(
            call.engine,
            body_chunks(call.request),
            platform,
            progress.tell,
        )
    )


def _single_platform(call: Call) -> Platform | None:
    """The platform to load or save, since API 1.48."""
    if call.version.below("1.48"):
        return None
    if len(call.form.all("platform")) > 1:
        raise InvalidParameter("multiple platform parameters not supported")
    return _decode_platform(call.form.text("platform"))


def _decode_platform(text: str) -> Platform | None:
    return decode_platform(text) if text else None


def decode_platform(text: str) -> Platform:
    """moby DecodePlatform: an OCI platform in JSON. Raises InvalidParameter."""
    try:
        platform = gojson.decode(text, Platform)
    except msgspec.DecodeError as err:
        raise InvalidParameter(f"failed to parse platform: {err}") from err
    optional = platform.variant or platform.os_version or platform.os_features
    if optional and not (platform.os or platform.architecture):
        raise InvalidParameter(
            "optional platform fields provided, but OS and Architecture are missing"
        )
    if not (platform.os and platform.architecture):
        raise InvalidParameter("both OS and Architecture must be provided")
    return platform


async def list_(call: Call) -> web.Response:
    """All images."""
    form, version = call.form, call.version
    filters = form.filters()
    if form.text("filter") and version.below("1.41"):
        filters.setdefault("reference", []).append(form.text("filter"))
    found = await image_list(
        call.engine,
        parse_image_filters(filters),
        intermediate=form.flag("all"),
        manifests=form.flag("manifests") and not version.below("1.47"),
        shared_size=form.flag("shared-size") and not version.below("1.42"),
    )
    return wire_response([_summary_for(image, version) for image in found])


def _summary_for(image: ImageSummary, version: ApiVersion) -> dict[str, Any]:
    """moby getImagesJSON."""
    if version.below("1.43") and not (image.repo_tags or image.repo_digests):
        image.repo_tags, image.repo_digests = ["<none>:<none>"], ["<none>@<none>"]
    if version.below("1.48"):
        image.descriptor = None
    if version.below("1.51"):
        image.containers = -1
    answer: dict[str, Any] = wire.to_wire(image)
    if version.below("1.44"):
        answer["VirtualSize"] = image.size
    return answer


async def inspect(call: Call) -> web.Response:
    """All about an image."""
    platform = None
    if not call.version.below("1.49"):
        platform = _decode_platform(call.form.text("platform"))
    manifests = call.form.flag("manifests") and not call.version.below("1.48")
    if manifests and platform is not None:
        raise InvalidParameter(
            "conflicting options: manifests and platform options cannot both be set"
        )
    found = await image_inspect(call.engine, call.name, platform, manifests=manifests)
    return wire_response(_inspect_for(found, call.version))


def _inspect_for(found: ImageInspect, version: ApiVersion) -> dict[str, Any]:
    """moby getImagesByName."""
    if version.below("1.44"):
        found.created = found.created or ZERO_TIME
    if version.below("1.48"):
        found.descriptor = None
    if version.below("1.50"):
        found.config = {**_LEGACY_CONFIG, **(found.config or {})}
    answer: dict[str, Any] = wire.to_wire(found)
    if version.below("1.44"):
        answer["VirtualSize"] = found.size
    return answer


async def tag(call: Call) -> web.Response:
    """Give an image another name."""
    reference = repo_tag_reference(call.form.text("repo"), call.form.text("tag"))
    if reference is None:
        raise InvalidParameter("invalid reference format")
    if reference.familiar_name == "sha256":
        raise InvalidParameter("refusing to create an ambiguous tag using digest algorithm as name")
    await image_tag(call.engine, call.name, reference)
    return web.Response(status=201)


async def history(call: Call) -> web.Response:
    """How an image came about."""
    platform = None
    if not call.version.below("1.48"):
        platform = _decode_platform(call.form.text("platform"))
    return json_response(await image_history(call.engine, call.name, platform))


async def delete(call: Call) -> web.Response:
    """Take a name, or the image with it."""
    if not call.name.strip():
        raise InvalidParameter("image name cannot be blank")
    wanted = [] if call.version.below("1.50") else call.form.all("platforms")
    options = DeleteOptions(
        force=call.form.flag("force"),
        prune_parents=not call.form.flag("noprune"),
        platforms=tuple(map(decode_platform, wanted)),
    )
    return json_response(await image_delete(call.engine, call.name, options))


async def save(call: Call) -> web.StreamResponse:
    """One or several images in an archive.

    Where content is lacking in mid-stream the connection breaks: dockerd ends the archive with an
    error message, which a client takes for a part of it.
    """
    names = [call.name] if call.name else call.form.all("names")
    stream = Stream(call, "application/x-tar")
    async with image_saving(call.engine, names, _single_platform(call)) as pieces:
        async for piece in pieces:
            await stream.write(piece)
    return stream.response


async def search(call: Call) -> web.Response:
    """Look for repositories in an index."""
    text = call.form.text("limit")
    try:
        limit = atoi(text) if text else 0
    except ValueError as err:
        raise InvalidParameter(f"invalid limit specified: {err}") from err
    if limit < 0:
        raise InvalidParameter("invalid limit specified")
    chosen, credentials = call.form.filters(), _credentials(call)
    found = await image_search(call.engine, call.form.text("term"), limit, chosen, credentials)
    return json_response(found)


ROUTES: Final = [
    Route("GET", "/images/search", search),
    Route("GET", "/images/get", save, stream=True),
    Route("GET", "/images/{name:.*}/get", save, stream=True),
    Route("GET", "/images/{name:.*}/history", history),
    Route("DELETE", "/images/{name:.*}", delete),
    Route("POST", "/images/create", create, stream=True),
    Route("POST", "/images/load", load, stream=True),
    Route("GET", "/images/json", list_),
    Route("GET", "/images/{name:.*}/json", inspect),
    Route("POST", "/images/{name:.*}/push", push, stream=True),
    Route("POST", "/images/{name:.*}/tag", tag),
]
