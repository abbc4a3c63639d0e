"""What a handler gets: one request, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.api.form import Form

if TYPE_CHECKING:
    from aiohttp import web

    from runner.api.version import ApiVersion
    from runner.engine.engine import Engine


@dataclass(slots=True)
class Call:
    """A request to one of the routes. `name` is the object in the path, empty if there is none.

    `begun` is set when some of the answer has been sent, so that no other can be given any more.
    """

    engine: Engine
    request: web.Request
    version: ApiVersion
    name: str
    form: Form = field(default_factory=lambda: Form({}))
    begun: bool = False
