"""Registry verbs: logging in, searching, looking at what a registry has (moby daemon/auth.go,
registry)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.image.distribution import inspect_remote
from runner.image.registry.login import login
from runner.image.registry.search import search
from runner.types import filters
from runner.types.errors import InvalidParameter
from runner.types.gotext import atoi

if TYPE_CHECKING:
    from runner.engine.engine import Engine
    from runner.image.reference import Reference
    from runner.image.registry.credentials import Credentials
    from runner.types.filters import Filters
    from runner.types.image import DistributionInspect, SearchResult


async def authenticate(engine: Engine, credentials: Credentials) -> str:
    """Try the credentials; the registry's identity token (moby AuthenticateToRegistry)."""
    return await login(engine.images.registries, credentials)


async def image_search(
    engine: Engine, term: str, limit: int, chosen: Filters, credentials: Credentials
) -> list[SearchResult]:
    """Repositories that an index finds (moby Search). Raises InvalidParameter."""
    filters.validate(chosen, {"is-automated", "is-official", "stars"})
    if filters.boolean(chosen, "is-automated"):
        return []  # there are none any more
    official = filters.boolean(chosen, "is-official")
    stars = max([0, *(_stars(value) for value in chosen.get("stars", ()))])
    return [
        result
        for result in await search(engine.images.registries, term, limit, credentials)
        if official in {None, result.is_official} and result.star_count >= stars
    ]


def _stars(text: str) -> int:
    try:
        return atoi(text)
    except ValueError as err:
        raise InvalidParameter(f"invalid filter 'stars={text}': {err}") from err


async def distribution_inspect(
    engine: Engine, ref: Reference, credentials: Credentials
) -> DistributionInspect:
    """What a registry has under the name. Raises NotFound."""
    return await inspect_remote(engine.images.registries, ref, credentials)
