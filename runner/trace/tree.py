"""A trace as a tree for a terminal: what was called by whom, when, how long it took, where it
failed. Two columns of times, then the tree, cut to the terminal's width."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.trace.road import ROLES, short_name, stop_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Span = dict[str, Any]
    Text = tuple[str, str]
    """Words and their colour."""

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
_ID: Final = re.compile(r"[0-9a-f]{64}")
_SHORT: Final = 12
WIDTH: Final = 96
"""Columns, where nobody has a terminal to say how many there are."""
_NARROWEST: Final = 40
_HEAD: Final = "    began      took"
_BEHIND: Final = 0.001
"""Seconds by which a step must have outlived the one it belongs to, to be said to go on."""
_OPEN: Final = "not over"
_GOES_ON: Final = "(goes on)"
_NOTHING: Final = "not found"
_LEGEND: Final = (
    (_OPEN, f"{_OPEN}: had not ended when the trace was read, or nobody was left to hear of it"),
    (_GOES_ON, "goes on: in the background, the step above did not wait for its end"),
)


@dataclass(frozen=True, slots=True)
class _Drawn:
    spans: Sequence[Span]
    children: dict[str, list[Span]]
    failures: dict[str, bool]
    paint: Callable[[str, str], str]
    width: int

    @property
    def began_ns(self) -> int:
        return min(int(span["began_ns"]) for span in self.spans)


def render(spans: Sequence[Span], *, colours: bool = False, width: int = WIDTH) -> str:
    """The whole text, with a line for each step and a summary of what went wrong and was mended."""
    if not spans:
        return "nothing was recorded\n"
    paint = _paint if colours else _plain
    drawn = _Drawn(spans, children_of(spans), failures(spans), paint, max(width, _NARROWEST))
    lines = [paint(f"trace {spans[0]['trace_id']}", "dim"), paint(_HEAD, "dim")]
    for root in drawn.children[""]:
        lines += _branch([root], drawn, "", "")
    lines += [paint(text, colour) for text, colour in _summary(drawn, "\n".join(lines))]
    return "\n".join(lines) + "\n"


def columns(fd: int) -> int:
    """How many there are: what COLUMNS says, or the terminal, or `WIDTH`."""
    said = os.environ.get("COLUMNS", "")
    with contextlib.suppress(OSError):
        return int(said) if said.isdigit() and int(said) else os.get_terminal_size(fd).columns
    return WIDTH


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


def last(error: str) -> str:
    """What an error comes to, after all that was put in front of it."""
    if error.endswith(_NOTHING):
        return _NOTHING
    return error.removesuffix(": unknown").rpartition(": ")[2]


# --- lines -------------------------------------------------------------------------------------


def _branch(
    spans: list[Span], drawn: _Drawn, lead: str, below: str, above: Span | None = None
) -> Iterator[str]:
    """A line for the spans, which are one unless they are alike, and those of their children."""
    yield _line(spans, drawn, lead, above)
    inner = list(_together(drawn.children.get(spans[0]["span_id"], []), drawn))
    for number, children in enumerate(inner, 1):
        last = number == len(inner)
        lead, next_below = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _branch(children, drawn, below + lead, below + next_below, spans[0])


def _together(spans: list[Span], drawn: _Drawn) -> Iterator[list[Span]]:
    """One by one, but what found nothing (any more) in one place: clean-up tries everything."""
    for nothing, found in itertools.groupby(spans, lambda span: _found_nothing(span, drawn)):
        alike = list(found)
        yield from [alike] if nothing else ([span] for span in alike)


def _found_nothing(span: Span, drawn: _Drawn) -> bool:
    calm = drawn.failures.get(span["span_id"]) is False
    is_leaf = span["span_id"] not in drawn.children
    return calm and is_leaf and span["error"].endswith(_NOTHING)


def _line(spans: list[Span], drawn: _Drawn, lead: str, above: Span | None) -> str:
    began = f"+{(spans[0]['began_ns'] - drawn.began_ns) / 1e6:.1f}"
    times = f"{began:>9}{_duration(spans):>10}  "
    room = drawn.width - len(times) - len(lead)
    texts = _cut(_texts(spans, drawn, above), room)
    painted = " ".join(drawn.paint(text, colour) for text, colour in texts)
    return f"{drawn.paint(times + lead, 'dim')}{painted}"


def _texts(spans: list[Span], drawn: _Drawn, above: Span | None) -> Iterator[Text]:
    """What is said of a step, the most important first."""
    span = spans[0]
    failed = drawn.failures.get(span["span_id"])
    name = ", ".join(_name(one) for one in spans)
    yield name, "failed" if failed else stop_of(span).lane
    if told := _told(span):
        yield told, "dim"
    if role := ROLES.get(span["attributes"].get("role", "")):
        yield role, "role"
    if failed is not None:
        error = shortened(span["error"])
        yield (f"✗ {error}", "failed") if failed else (f"({last(error)})", "calm")
    if above is not None and _outlives(span, above):
        yield _GOES_ON, "dim"


def _name(span: Span) -> str:
    """Both sides of a request have its name: the API's own says which it is."""
    is_served = span["attributes"].get("kind") == "server"
    return f"{'API: ' if is_served else ''}{shortened(short_name(span['name']))}"


def _cut(texts: Iterator[Text], room: int) -> Iterator[Text]:
    """As many as there is room for, the last of them cut."""
    for text, colour in texts:
        if room <= 1:
            return
        yield (text if len(text) <= room else f"{text[: room - 1]}…"), colour
        room -= len(text) + 1


def _told(span: Span) -> str:
    """The one thing most worth telling of a step."""
    attributes = span["attributes"]
    if attributes.get("cancelled"):
        return "(no longer wanted)"
    if span["name"].startswith("demo "):
        return "(all commands, and the sweeping up)"
    if "status" in attributes and isinstance(attributes["status"], int):
        return f"→ {attributes['status']}"
    for name in ("exit_code", "address", "image", "pid", "signal", "seconds"):
        if name in attributes:
            return f"{name.replace('_', ' ')} {attributes[name]}"
    return ""


def _duration(spans: list[Span]) -> str:
    durations = [span["duration"] for span in spans]
    return _OPEN if None in durations else f"{sum(durations) * 1000:.1f} ms"


def _outlives(span: Span, above: Span) -> bool:
    ends = [_end(span), _end(above)]
    return None not in ends and ends[0] > ends[1] + _BEHIND  # type: ignore[operator]


def _end(span: Span) -> float | None:
    """Seconds since the epoch."""
    return None if span["duration"] is None else span["began_ns"] / 1e9 + span["duration"]


# --- the summary -------------------------------------------------------------------------------


def _summary(drawn: _Drawn, text: str) -> Iterator[Text]:
    """What the marks in the text mean, what failed in full, and what was mended."""
    for mark, meaning in _LEGEND:
        if mark in text:
            yield from _wrapped(meaning, drawn, "dim")
    for span in drawn.spans:
        if drawn.failures.get(span["span_id"]):
            error = shortened(span["error"])
            failed = f"✗ failed: {shortened(short_name(span['name']))}: {error}"
            yield from _wrapped(failed, drawn, "failed")
    for role, what in ROLES.items():
        names = [short_name(s["name"]) for s in drawn.spans if s["attributes"].get("role") == role]
        if names:
            yield from _wrapped(f"{what}: {', '.join(names)}", drawn, "role")


def _wrapped(text: str, drawn: _Drawn, colour: str) -> Iterator[Text]:
    for line in textwrap.wrap(text, drawn.width, subsequent_indent="  ", break_on_hyphens=False):
        yield line, colour


def _paint(text: str, colour: str) -> str:
    return f"\033[{_COLOURS[colour]}m{text}\033[0m" if _COLOURS[colour] != "0" else text


def _plain(text: str, _: str) -> str:
    return text
