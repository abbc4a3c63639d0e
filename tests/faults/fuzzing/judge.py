"""What must not happen, and what has happened."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from runner.api.app import ROUTES
from runner.api.description.operations import OPERATIONS
from runner.api.routing import Router, split_version
from tests.faults.fuzzing.wire import HangError, Request, Seen, send
from tests.faults.unforeseen import unforeseen

if TYPE_CHECKING:
    from tests.support.engine import Engine

_LIMIT: Final = 60.0
"""Seconds for an answer to begin and, if it is not a stream, to end."""
_SOON: Final = 5.0
_PATIENCE: Final = 0.05
"""Seconds for which a stream is read."""
_WAITS: Final = "/containers/{name}/wait"
"""Before API 1.30 not even the head of its answer came before the exit."""
_ALWAYS: Final = (400, 404, 417, 500)
"""What any path may answer; 417 is to an Expect header that nobody knows, as net/http does."""
_NUMBERS: Final = re.compile(r"[0-9a-f]{12,}|\d+")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclasses.dataclass
class Tally:
    """Counts, and failures with the request that led to each."""

    statuses: Counter[int] = dataclasses.field(default_factory=Counter)
    parts: Counter[str] = dataclasses.field(default_factory=Counter)
    internal: Counter[str] = dataclasses.field(default_factory=Counter)
    examples: dict[str, str] = dataclasses.field(default_factory=dict)
    failures: dict[str, str] = dataclasses.field(default_factory=dict)
    slowest: float = 0.0
    slowest_ping: float = 0.0

    @property
    def requests(self) -> int:
        """How many there were."""
        return sum(self.parts.values())


class Judge:
    """Asks the engine, and looks at its log after each request."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.tally = Tally()
        self._router = Router(ROUTES)
        self._log = engine.daemon.log.open(errors="replace")
        self._log.seek(0, os.SEEK_END)

    def ask(self, part: str, request: Request) -> Seen:
        """Send a request, and judge what comes of it."""
        path = request.target.partition("?")[0]
        match = self._router.find(request.method, split_version(path)[1])
        streams = match is not None and match.route.stream
        began = time.monotonic()
        try:
            seen = send(
                self.engine.socket,
                request,
                limit=1.0 if match and match.route.template == _WAITS else _LIMIT,
                patience=_PATIENCE if streams else None,
            )
        except HangError as error:
            seen = Seen(0)
            if match is None or match.route.template != _WAITS:
                self.fail(
                    f"hang: {request.method} {match and match.route.template}", request, error
                )
        except OSError as error:
            seen = Seen(0)
            self.fail("the engine does not listen", request, error)
        self.tally.slowest = max(self.tally.slowest, time.monotonic() - began)
        self.tally.parts[part] += 1
        self.tally.statuses[seen.status] += 1
        self._judge_answer(request, seen, match and (match.route.method, match.route.path))
        self.look(request)
        return seen

    def look(self, request: Request | str) -> None:
        """Is there something in the log that nobody has thought of? Does it live?"""
        text = self._log.read()
        for line in unforeseen(text):
            place = [each for each in text.splitlines() if each.lstrip().startswith("File ")]
            self.fail(f"traceback: {_general(line)} {place[-1:]}", request, text)
        if not self.engine.daemon.running():
            self.fail("the engine has ended", request, self.engine.daemon.log_tail())
            raise SystemExit("the engine has ended")

    def alive(self, request: Request | str) -> None:
        """It must answer others, and soon: nothing that one client sends holds up another."""
        began = time.monotonic()
        try:
            pong = send(self.engine.socket, Request("GET", "/_ping"), limit=_SOON, patience=None)
        except (HangError, OSError) as error:
            self.fail(f"does not answer a ping in {_SOON} s", request, error)
            return
        self.tally.slowest_ping = max(self.tally.slowest_ping, time.monotonic() - began)
        if pong.status != 200:
            self.fail("does not answer a ping", request, pong)

    def fail(self, what: str, request: Request | str, why: object) -> None:
        """Note a failure, once of its kind."""
        if what not in self.tally.failures:
            print(f"FAILED {what}\n  {request}\n  {str(why)[-3000:]}", flush=True)
        self.tally.failures.setdefault(what, str(request))

    def _judge_answer(self, request: Request, seen: Seen, route: tuple[str, str] | None) -> None:
        text = seen.body.decode("utf-8", "replace")
        if seen.status >= 500:
            message = message_of(text)
            kind = f"{seen.status} {_general(message)[:160]}"
            self.tally.internal[kind] += 1
            self.tally.examples.setdefault(
                kind, f"{request} {request.body!r:.600}\n        {message[:300]}"
            )
        if "internal error: " in text:
            self.fail(f"internal error: {_general(text)[:200]}", request, text)
        if route is not None and seen.status:
            operation = OPERATIONS[route]
            if seen.status not in {*operation.answers, *operation.failures, *_ALWAYS}:
                self.fail(f"undescribed status {seen.status} of {route}", request, text)


def message_of(text: str) -> str:
    """The Engine API's error text, or what there is in its place."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, TypeError, KeyError):
        return text.strip()


def _general(text: str) -> str:
    """Without what differs from time to time, so that the same is counted as the same."""
    return _NUMBERS.sub("N", _QUOTED.sub('"…"', text))
