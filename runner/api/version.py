"""API versions: which are served, and how two compare (moby api/common.go, versions/compare.go)."""

from __future__ import annotations

import functools
from typing import Final

from runner.types.errors import InvalidParameter
from runner.types.gotext import saturating_int

API_VERSION: Final = "1.51"
"""The newest version served, and the one of a path without version."""

MIN_API_VERSION: Final = "1.24"


@functools.total_ordering
class ApiVersion:
    """A version such as 1.51; its parts are compared as numbers, a missing one is 0."""

    __slots__ = ("_parts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        parts = [saturating_int(part) for part in text.split(".")]
        while parts and not parts[-1]:
            parts.pop()
        self._parts = parts

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiVersion) and self._parts == other._parts

    def __lt__(self, other: ApiVersion) -> bool:
        return self._parts < other._parts

    def __hash__(self) -> int:
        return hash(tuple(self._parts))

    def __str__(self) -> str:
        return self.text

    def below(self, text: str) -> bool:
        """Whether this is older than the version `text`: `version.below("1.44")`."""
        return self < _known(text)


@functools.lru_cache(maxsize=64)
def _known(text: str) -> ApiVersion:
    return ApiVersion(text)


CURRENT: Final = ApiVersion(API_VERSION)
_OLDEST: Final = ApiVersion(MIN_API_VERSION)


def check_version(version: ApiVersion) -> None:
    """Raise InvalidParameter for a version that is not served (moby VersionMiddleware)."""
    if version < _OLDEST:
        raise InvalidParameter(
            f"client version {version} is too old. Minimum supported API version is "
            f"{MIN_API_VERSION}, please upgrade your client to a newer version"
        )
    if version > CURRENT:
        raise InvalidParameter(
            f"client version {version} is too new. Maximum supported API version is {API_VERSION}"
        )
