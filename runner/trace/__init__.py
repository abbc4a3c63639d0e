"""What the engine tells about itself: named steps, observed by whoever listens.

`with step("snapshots.Prepare", key=…):` marks one step of the road. Listeners get it when it has
ended, with its duration and its error. With no listener a step costs one look at an empty tuple.

`with about(container_id):` says whom the work inside is for: log lines from there, whatever module
writes them, name the container.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A step that has ended. `started` is on the monotonic clock, `duration` in seconds."""

    name: str
    attributes: dict[str, Any]
    started: float
    duration: float
    error: BaseException | None


Listener = Callable[[Step], None]

_listeners: tuple[Listener, ...] = ()
_NOTHING = contextlib.nullcontext()
_subject: ContextVar[str] = ContextVar("_subject", default="")


def step(name: str, /, **attributes: Any) -> contextlib.AbstractContextManager[None]:
    """Mark what runs inside, awaits included, as the step `name`."""
    return _observed(name, attributes) if _listeners else _NOTHING


@contextlib.contextmanager
def _observed(name: str, attributes: dict[str, Any]) -> Iterator[None]:
    started = time.monotonic()
    error: BaseException | None = None
    try:
        yield
    except BaseException as err:
        error = err
        raise
    finally:
        ended = Step(name, attributes, started, time.monotonic() - started, error)
        for listener in _listeners:
            listener(ended)


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
