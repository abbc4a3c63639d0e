"""A trace as a tree for a terminal: what was called by whom, how long it took, where it failed."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.trace.road import short_name, stop_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Span = dict[str, Any]

_COLOURS: Final = {
    "cli": "36",
    "api": "34",
    "engine": "0",
    "containerd": "35",
    "shim": "33",
    "kernel": "32",
    "failed": "1;31",
    "calm": "33",
    "dim": "2",
    "role": "1;33",
}
_ROLES: Final = {"undo": "↩ undone", "retry": "↻ once more", "restart": "↻ restarted"}
_ID: Final = re.compile(r"[0-9a-f]{64}")
_SHORT: Final = 12
_NAME_COLUMNS: Final = 76
_MOST_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class _Drawn:
    children: dict[str, list[Span]]
    failures: dict[str, bool]
    paint: Callable[[str, str], str]


def render(spans: Sequence[Span], *, colours: bool = False) -> str:
    """The whole text, with a line for each step and a summary of what went wrong and was mended."""
    if not spans:
        return "nothing was recorded\n"
    drawn = _Drawn(children_of(spans), failures(spans), _paint if colours else _plain)
    lines = [drawn.paint(f"trace {spans[0]['trace_id']}", "dim")]
    for root in drawn.children[""]:
        lines += _branch(root, drawn, "", "")
    lines += [drawn.paint(text, colour) for text, colour in _summary(spans, drawn.failures)]
    return "\n".join(lines) + "\n"


def children_of(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """Each step's children by its ID, in the order they began; roots are those of ""."""
    ordered = sorted(spans, key=lambda span: span["began_ns"])
    known = {span["span_id"] for span in ordered}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in ordered:
        parent = span["parent_id"] if span["parent_id"] in known else ""
        children[parent].append(span)
    return children


def failures(spans: Sequence[Span]) -> dict[str, bool]:
    """The steps in which an error arose, by ID: True where it made what is above fail, False
    where that took it calmly, as when something to be deleted is gone already."""
    by_id = {span["span_id"]: span for span in spans}
    passed_on = {span["parent_id"] for span in spans if _is_passed_on(span, by_id)}
    return {
        span["span_id"]: _reaches_the_top(span, by_id)
        for span in spans
        if span["error"] and span["span_id"] not in passed_on
    }


def _reaches_the_top(span: Span, by_id: dict[str, Span]) -> bool:
    """Whether the command, or whatever else the trace began with, has failed by this error."""
    while _is_passed_on(span, by_id):
        span = by_id[span["parent_id"]]
    return span["parent_id"] not in by_id or span["name"].startswith("runner ")


def _is_passed_on(span: Span, by_id: dict[str, Span]) -> bool:
    """Whether the step above has failed by this one's error, whatever it has put in front."""
    above = by_id.get(span["parent_id"])
    if not span["error"] or above is None or not above["error"]:
        return False
    return str(span["error"]).partition("\n")[0] in above["error"]


def shortened(text: str) -> str:
    """The text with every ID cut to its usual twelve digits."""
    return _ID.sub(lambda found: found[0][:_SHORT], text)


def _branch(span: Span, drawn: _Drawn, lead: str, below: str) -> Iterator[str]:
    yield _line(span, drawn, lead)
    inner = drawn.children.get(span["span_id"], [])
    for number, child in enumerate(inner, 1):
        last = number == len(inner)
        lead, next_below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _branch(child, drawn, below + lead, below + next_below)


def _line(span: Span, drawn: _Drawn, lead: str) -> str:
    paint, failed = drawn.paint, drawn.failures.get(span["span_id"])
    text = shortened(short_name(span["name"]))
    told = _told(span)
    width = len(lead) + len(text) + (len(told) + 1 if told else 0)
    painted = f"{paint(lead, 'dim')}{paint(text, 'failed' if failed else stop_of(span).lane)}"
    if told:
        painted += f" {paint(told, 'dim')}"
    painted += f"{' ' * max(1, _NAME_COLUMNS - width)}{_duration(span):>10}"
    if role := _ROLES.get(span["attributes"].get("role", "")):
        painted += f"  {paint(role, 'role')}"
    if failed is not None:
        error = shortened(span["error"])[:_MOST_ERROR]
        painted += f"  {paint(f'✗ {error}', 'failed') if failed else paint(f'({error})', 'calm')}"
    return painted


def _told(span: Span) -> str:
    """The one thing most worth telling of a step."""
    attributes = span["attributes"]
    if attributes.get("cancelled"):
        return "(no longer wanted)"
    if "status" in attributes and isinstance(attributes["status"], int):
        return f"→ {attributes['status']}"
    for name in ("exit_code", "address", "image", "pid", "signal", "seconds"):
        if name in attributes:
            return f"{name.replace('_', ' ')} {attributes[name]}"
    return ""


def _duration(span: Span) -> str:
    seconds = span["duration"]
    return "…" if seconds is None else f"{seconds * 1000:.1f} ms"


def _summary(spans: Sequence[Span], failed: dict[str, bool]) -> Iterator[tuple[str, str]]:
    for span in spans:
        if failed.get(span["span_id"]):
            error = shortened(span["error"])[:_MOST_ERROR]
            yield f"✗ failed: {shortened(short_name(span['name']))}: {error}", "failed"
    for role, what in _ROLES.items():
        names = [short_name(s["name"]) for s in spans if s["attributes"].get("role") == role]
        if names:
            yield f"{what}: {', '.join(names)}", "role"


def _paint(text: str, colour: str) -> str:
    return f"\033[{_COLOURS[colour]}m{text}\033[0m" if _COLOURS[colour] != "0" else text


def _plain(text: str, _: str) -> str:
    return text
