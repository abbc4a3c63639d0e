"""The filters of GET /images/json (moby daemon/containerd/image_list.go setupFilters)."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from runner.engine.events import parse_time
from runner.image.listing import ImageFilters, LabelFilter
from runner.types.errors import InvalidParameter, RunnerError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACCEPTED: Final = frozenset(
    {"dangling", "label", "label!", "before", "since", "reference", "until"}
)
_BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|ms|s|m|h))+")
_TERM: Final = re.compile(r"([0-9.]+)([a-zµ]+)")
_SECONDS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}


def parse_image_filters(filters: Mapping[str, list[str]]) -> ImageFilters:
    """Check and convert. Raises InvalidParameter, RunnerError for a bad time, as dockerd."""
    for name in filters:
        if name not in _ACCEPTED:
            raise InvalidParameter(f"invalid filter '{name}'")
    labels = [LabelFilter.parse(text) for text in filters.get("label", ())]
    labels += [LabelFilter.parse(text, negate=True) for text in filters.get("label!", ())]
    untils = [_until(text) for text in filters.get("until", ())]
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


def _until(text: str) -> float:
    """Unix seconds of a time, or of now less a duration (moby GetTimestamp)."""
    if _DURATION.fullmatch(text):
        terms = _TERM.findall(text)
        return time.time() - sum(float(number) * _SECONDS[unit] for number, unit in terms)
    try:
        return (parse_time(text, "until") or 0) / 1e9
    except InvalidParameter as err:
        raise RunnerError(f'failed to parse value as time or duration: "{text}"') from err
