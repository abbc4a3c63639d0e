"""The filters of GET /images/json (moby daemon/containerd/image_list.go setupFilters)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.image.listing import ImageFilters, LabelFilter
from runner.types.errors import InvalidParameter
from runner.types.gotime import SECOND
from runner.types.timestamps import get_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCEPTED: Final = frozenset(
    {"dangling", "label", "label!", "before", "since", "reference", "until"}
)
_BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}


def parse_image_filters(filters: Mapping[str, list[str]]) -> ImageFilters:
    """Check and convert. Raises InvalidParameter, RunnerError for a bad time, as dockerd."""
    for name in filters:
        if name not in _ACCEPTED:
            raise InvalidParameter(f"invalid filter '{name}'")
    labels = [LabelFilter.parse(text) for text in filters.get("label", ())]
    labels += [LabelFilter.parse(text, negate=True) for text in filters.get("label!", ())]
    untils = [get_timestamp(text) / SECOND for text in filters.get("until", ())]
    return ImageFilters(
        dangling=_dangling(filters.get("dangling")),
        labels=tuple(labels),
        references=tuple(filters.get("reference", ())),
        before=tuple(filters.get("before", ())),
        since=tuple(filters.get("since", ())),
        until=min(untils, default=None),
    )


def _dangling(values: list[str] | None) -> bool | None:
    if values is None:
        return None
    if len(values) != 1 or values[0] not in _BOOLEANS:
        raise InvalidParameter(f"invalid filter 'dangling=[{' '.join(values)}]'")
    return _BOOLEANS[values[0]]
