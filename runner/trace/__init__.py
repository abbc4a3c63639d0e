"""What the engine tells about itself: named steps of the road, observed by whoever listens.

`with step("daemon.containerStart", container=…):` marks one step, under the name that moby gives
it. There are two ways to hear of it:

- a *listener* gets every step once it has ended (`RUNNER_TRACE_FILE`, measuring);
- a *recording* gets the steps of one trace, as they begin and as they end. A request that carries
  a sampled `traceparent` (W3C Trace Context) is recorded, with all that follows from it in tasks
  of its own, such as the handling of the container's exit.

With neither, a step costs one look at an empty tuple and one at a context variable.

`with about(container_id):` says whom the work inside is for: log lines from there, whatever module
writes them, name the container.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import FrameType

_SAMPLED = 1
_HEX = frozenset("0123456789abcdef")


class Step:
    """One step; `duration` is None until it has ended.

    `started` is on the monotonic clock in seconds, `began_ns` on the wall clock in nanoseconds.
    `code` is the function that made the step, its file and line. IDs are empty unless it is
    recorded.
    """

    __slots__ = (
        "attributes",
        "began_ns",
        "code",
        "duration",
        "error",
        "name",
        "parent_id",
        "recording",
        "span_id",
        "started",
        "trace_id",
    )

    def __init__(
        self, name: str, attributes: dict[str, Any], parent: Place | None, code: Code | None = None
    ) -> None:
        self.name = name
        self.attributes = attributes
        self.began_ns = time.time_ns()
        self.started = time.monotonic()
        self.duration: float | None = None
        self.error: BaseException | None = None
        self.code = code
        self.recording = parent.recording if parent else None
        self.trace_id = parent.trace_id if parent else ""
        self.parent_id = parent.span_id if parent else ""
        self.span_id = os.urandom(8).hex() if parent else ""

    def note(self, **attributes: Any) -> None:
        """Add what is known only now: an answer, a status."""
        self.attributes.update(attributes)

    def end(self, error: BaseException | None = None) -> None:
        """It is over; `error` is what it failed with."""
        self.duration = time.monotonic() - self.started
        self.error = error


class Recording(Protocol):
    """What takes the steps of one trace. Called from any thread; must not raise."""

    def began(self, step: Step) -> None:
        """A step has begun."""

    def ended(self, step: Step) -> None:
        """It has ended."""


class Place(Protocol):
    """Where in a trace a step may hang: another step, or one of somebody else's."""

    @property
    def trace_id(self) -> str: ...
    @property
    def span_id(self) -> str: ...
    @property
    def recording(self) -> Recording | None: ...


@dataclass(frozen=True, slots=True)
class Code:
    """A function of ours, and the line in it that made the step; `file` begins with `runner/`."""

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A step of somebody else's that ours hang from: the client's request."""

    trace_id: str
    span_id: str
    sampled: bool = True
    recording: Recording | None = None


Listener = Callable[[Step], None]

_listeners: tuple[Listener, ...] = ()
_NOTHING = contextlib.nullcontext()
_subject: ContextVar[str] = ContextVar("_subject", default="")
_place: ContextVar[Place | None] = ContextVar("_place", default=None)


def step(name: str, /, **attributes: Any) -> contextlib.AbstractContextManager[Step | None]:
    """Mark what runs inside, awaits included, as the step `name`.

    Gives the step when it is recorded, to `note` more of it. `kind` says which side of a boundary
    it is ("client", "server"), `waits` that it only waits for what may come, `role` that it is
    there because something else has failed ("undo", "retry").
    """
    place = _place.get()
    if place is not None:
        return _recorded(name, attributes, place, _caller())
    return _observed(name, attributes) if _listeners else _NOTHING


@contextlib.contextmanager
def _observed(name: str, attributes: dict[str, Any]) -> Iterator[None]:
    observed = Step(name, attributes, None)
    with _to_its_end(observed):
        yield


@contextlib.contextmanager
def _recorded(
    name: str, attributes: dict[str, Any], place: Place, code: Code | None
) -> Iterator[Step]:
    if subject := _subject.get():
        attributes.setdefault("container", subject)
    recorded = Step(name, attributes, place, code)
    assert recorded.recording is not None
    recorded.recording.began(recorded)
    token = _place.set(recorded)
    try:
        with _to_its_end(recorded):
            yield recorded
    finally:
        # an async generator may be closed by another task, whose context never had the token
        with contextlib.suppress(ValueError):
            _place.reset(token)


@contextlib.contextmanager
def _to_its_end(observed: Step) -> Iterator[None]:
    error: BaseException | None = None
    try:
        yield
    except BaseException as err:
        error = err
        raise
    finally:
        observed.end(error)
        if observed.recording is not None:
            observed.recording.ended(observed)
        for listener in _listeners:
            listener(observed)


_ROOT = f"{Path(__file__).parents[2]}/"
_PASSED_BY = ("runner.trace", "runner.containerd._connection", "contextlib", "tenacity")
"""Modules that a step passes through on its way here, without being theirs."""


def _caller() -> Code | None:
    """The function whose step it is."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PASSED_BY):
        frame = frame.f_back
    if frame is None:
        return None
    module, code = frame.f_globals.get("__name__", ""), frame.f_code
    return Code(
        code.co_filename.removeprefix(_ROOT), frame.f_lineno, f"{module}.{code.co_qualname}"
    )


def recorded() -> bool:
    """Whether a step made now would be recorded: whether it is worth describing at length."""
    return _place.get() is not None


def note(**attributes: Any) -> None:
    """Add to the step that the present work is in, if it is recorded."""
    place = _place.get()
    if isinstance(place, Step):
        place.note(**attributes)


def happened(
    name: str, /, *, began_ns: int, ended_ns: int, under: Step | None = None, **attributes: Any
) -> Step | None:
    """Record a step that somebody else took, as far as it could be seen (nanoseconds)."""
    place = under or _place.get()
    if place is None or place.recording is None:
        return None
    seen = Step(name, attributes, place, _caller())
    seen.started -= (seen.began_ns - began_ns) / 1e9
    seen.began_ns = began_ns
    place.recording.began(seen)
    seen.duration = max(0, ended_ns - began_ns) / 1e9
    place.recording.ended(seen)
    return seen


@contextlib.contextmanager
def continued(place: Remote | None) -> Iterator[None]:
    """Hang the steps of what runs inside, also in tasks begun there, from a step elsewhere."""
    token = _place.set(place)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            _place.reset(token)


def parse_traceparent(header: str) -> Remote | None:
    """`00-<trace ID>-<span ID>-<flags>`; None for what is none, as W3C Trace Context says."""
    version, _, rest = header.strip().partition("-")
    trace_id, span_id, flags = (*rest.split("-"), "", "", "")[:3]
    fields = ((version, 2), (trace_id, 32), (span_id, 16), (flags, 2))
    if any(len(field) != size or not set(field) <= _HEX for field, size in fields):
        return None
    if version == "ff" or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return Remote(trace_id, span_id, sampled=bool(int(flags, 16) & _SAMPLED))


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send every step to `listener` while inside. A listener must not raise."""
    global _listeners
    _listeners = (*_listeners, listener)
    try:
        yield
    finally:
        _listeners = tuple(other for other in _listeners if other is not listener)


@contextlib.contextmanager
def about(container_id: str) -> Iterator[None]:
    """Have what is logged inside, also by tasks that are begun inside, name the container."""
    token = _subject.set(container_id)
    try:
        yield
    finally:
        # an async generator may be closed by another task, whose context never had the token
        with contextlib.suppress(ValueError):
            _subject.reset(token)


def subject() -> str:
    """The container that the present work is for; empty if it is for none."""
    return _subject.get()
