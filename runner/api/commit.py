"""Images of containers (moby postCommit)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.api.body import check_for_json, read_json
from runner.api.images import repo_tag_reference
from runner.api.respond import json_response
from runner.api.routing import Route
from runner.engine.commit import CommitRequest, create_image_from_container
from runner.types.container import Config

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.call import Call


async def commit(call: Call) -> web.Response:
    """Make an image of a container. The body may have another configuration than its own."""
    form = call.form
    check_for_json(call.request)
    config = await read_json(call.request, Config) if call.request.body_exists else Config()
    request = CommitRequest(
        reference=repo_tag_reference(form.text("repo"), form.text("tag")),
        author=form.text("author"),
        comment=form.text("comment"),
        config=config if config != Config() else None,
        changes=tuple(form.all("changes")),
        pause=form.flag("pause", default=True),
    )
    image_id = await create_image_from_container(call.engine, form.text("container"), request)
    return json_response({"Id": image_id}, status=201)


ROUTES: Final = [Route("POST", "/commit", commit)]
