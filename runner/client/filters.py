"""Filters as the API's queries take them (moby filters.Args)."""

from __future__ import annotations

from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def to_json(pairs: Iterable[tuple[str, str]]) -> str:
    """`{"name": {"value": true}}`; empty when there are none."""
    filters: dict[str, dict[str, bool]] = {}
    for name, value in sorted(pairs):
        if name:
            filters.setdefault(name, {})[value] = True
    return jsontext.dumps(filters) if filters else ""
