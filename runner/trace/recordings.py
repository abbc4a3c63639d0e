"""The traces that somebody asked for, kept for a while in memory.

A recording has the steps of one trace, in the order in which they began. The newest
`MOST_TRACES` are kept; one that is pushed out records nothing any more. Clients add their own
steps to it (`add`), so that the whole road can be had in one place.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from runner.trace import Remote, parse_traceparent

if TYPE_CHECKING:
    from runner.trace import Step

MOST_TRACES = 64
MOST_STEPS = 4000
"""Steps of one trace; a container that is restarted for ever would have no end of them."""
_MOST_TEXT = 64 * 1024

Document = dict[str, Any]
Follower = Callable[[Document], None]


class Recorded:
    """One trace. Thread-safe: steps may end in any thread."""

    def __init__(self, trace_id: str, export: Follower | None = None) -> None:
        self.trace_id = trace_id
        self.dropped = 0
        """Steps that there was no room for."""
        self.changed = time.monotonic()
        self.busy = 0
        """Steps under way, without those that only wait."""
        self._export = export
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._followers: list[Follower] = []
        self._closed = False
        self._lock = threading.Lock()

    def began(self, step: Step) -> None:
        """Called by `step` and `happened`."""
        with self._lock:
            if self._closed or len(self._documents) >= MOST_STEPS:
                self.dropped += not self._closed
                return
            self.busy += not step.attributes.get("waits")
            self._tell(document(step))

    def ended(self, step: Step) -> None:
        """Called by `step` and `happened`."""
        with self._lock:
            if step.span_id in self._documents:
                self.busy -= not step.attributes.get("waits")
                made = document(step)
                self._tell(made)
                if self._export is not None:
                    self._export(made)

    def add(self, made: Document) -> None:
        """Take over a step of a client's, ended or not."""
        with self._lock:
            if not self._closed and len(self._documents) < MOST_STEPS:
                self._tell(made)
                if self._export is not None and made["duration"] is not None:
                    self._export(made)

    def documents(self) -> list[Document]:
        """All steps as they are now, by their beginnings."""
        with self._lock:
            return sorted(self._documents.values(), key=lambda made: made["began_ns"])

    def follow(self, follower: Follower) -> list[Document]:
        """The steps so far; from now on `follower` gets every beginning and end, in any thread."""
        with self._lock:
            self._followers.append(follower)
            return list(self._documents.values())

    def unfollow(self, follower: Follower) -> None:
        """Tell it no more."""
        with self._lock:
            self._followers.remove(follower)

    def close(self) -> None:
        """Forget everything, and record no more."""
        with self._lock:
            self._closed = True
            self._documents.clear()

    def _tell(self, made: Document) -> None:
        self._documents[made["span_id"]] = made
        self.changed = time.monotonic()
        for follower in self._followers:
            follower(made)


class Recordings:
    """The recordings by trace ID.

    With `export` every request is recorded, not only those that ask for it, and each step goes
    there once it has ended.
    """

    def __init__(self, export: Follower | None = None) -> None:
        self.export = export
        self._kept: OrderedDict[str, Recorded] = OrderedDict()

    def get(self, trace_id: str) -> Recorded | None:
        """The recording, if there is one."""
        return self._kept.get(trace_id)

    def open(self, trace_id: str) -> Recorded:
        """The recording, made if need be; the oldest goes where there are too many."""
        recorded = self._kept.setdefault(trace_id, Recorded(trace_id, self.export))
        self._kept.move_to_end(trace_id)
        while len(self._kept) > MOST_TRACES:
            self._kept.popitem(last=False)[1].close()
        return recorded

    def place(self, traceparent: str) -> Remote | None:
        """Where the steps of a request with this header hang; None when nobody wants them."""
        if not traceparent and self.export is None:
            return None  # the usual request
        parent = parse_traceparent(traceparent)
        if parent is None:
            if self.export is None:
                return None
            parent = Remote(os.urandom(16).hex(), "")
        if not parent.sampled:
            return None
        return Remote(parent.trace_id, parent.span_id, recording=self.open(parent.trace_id))


def document(step: Step) -> Document:
    """A step as JSON has it. `duration` is in seconds, and null while the step lasts."""
    made: Document = {
        "trace_id": step.trace_id,
        "span_id": step.span_id,
        "parent_id": step.parent_id,
        "name": step.name,
        "began_ns": step.began_ns,
        "duration": step.duration,
        "error": _error(step.error),
        "attributes": {name: _plain(value) for name, value in step.attributes.items()},
    }
    if isinstance(step.error, asyncio.CancelledError):
        made["attributes"]["cancelled"] = True
    if step.code is not None:
        made["code"] = {
            "file": step.code.file,
            "line": step.code.line,
            "function": step.code.function,
        }
    return made


def _error(error: BaseException | None) -> str | None:
    """What went wrong; nothing did where nobody wanted the answer any more."""
    if error is None or isinstance(error, asyncio.CancelledError):
        return None
    return str(error) or type(error).__name__


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | dict | list | None):
        return value
    text = str(value)
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
