"""`stats` (docker/cli RunStats).

One loop serves all: each container has a connection on which the engine sends its figures every
second, and without names the engine's events tell which containers come and go.
"""

from __future__ import annotations

import sys
import time

from runner.cli.errors import CliError, describe
from runner.cli.format import usage
from runner.cli.format.listing import Listing
from runner.client import containers, filters, system
from runner.client.documents import DocumentStream
from runner.client.errors import UnexpectedAnswer
from runner.client.reactor import Reactor
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import StatsOptions
    from runner.cli.format.kind import Row
    from runner.client.client import EngineClient
    from runner.client.transport import Connection

_REFRESH = 0.5
_PATIENCE = 2.0
"""Seconds without news after which figures are no longer shown."""
_HOME, _END_OF_LINE, _BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def run(context: Context, options: StatsOptions) -> int:
    """Show what containers use, once or again and again."""
    client = context.client()
    listing = Listing(usage.KIND, options.format or "", usage.COLUMNS)
    if options.no_stream:
        rows = _once(client, options)
        listing.show(rows)
        return 0
    board = _Board(client, options)
    board.run(listing)
    return 0


def _once(client: EngineClient, options: StatsOptions) -> list[Row]:
    """All asked at the same time, for the engine takes a second or two to look twice."""
    names = options.containers or _running(client, everything=options.all)
    meters = [Meter(name) for name in dict.fromkeys(names)]
    sent = [containers.send_stats(client, meter.asked, stream=False) for meter in meters]
    for meter, connection in zip(meters, sent, strict=True):
        meter.open(client, connection)
        meter.read_first()
    if options.containers:
        _raise_failures(meters)
    return [meter.row(truncate=not options.no_trunc) for meter in meters]


def _running(client: EngineClient, *, everything: bool) -> list[str]:
    found = containers.list_containers(client, {"all": "1"} if everything else {})
    return [container["Id"] for container in found]


def _raise_failures(meters: list[Meter]) -> None:
    failures = [meter.failure for meter in meters if meter.failure]
    if failures:
        raise CliError("\n".join(failures))


class Meter:
    """One container's figures, as new as the engine has told them."""

    def __init__(self, asked: str) -> None:
        self.asked = asked
        """The name or ID that it was asked for by."""
        self.told = False
        """Whether there was anything yet, be it a failure."""
        self.failure = ""
        self.over = False
        """Whether nothing more will come."""
        self.stream: DocumentStream | None = None
        self._stats: dict[str, Any] = {}
        self._latest = time.monotonic()

    def open(self, client: EngineClient, connection: Connection) -> None:
        """Take the answer's head, and what came with it; a refusal is kept as the failure."""
        try:
            self.stream = DocumentStream(client.checked(connection))
        except RunnerError as err:
            self._end(describe(err))
            return
        if self.stream.has_buffered():
            self.read()

    def read(self) -> None:
        """Take what has come."""
        assert self.stream is not None
        try:
            documents = self.stream.read()
        except RunnerError as err:
            self._end(describe(err))
            return
        if documents:
            self.told, self.failure, self._stats = True, "", documents[-1]
            self._latest = time.monotonic()
        self.over = self.stream.ended

    def read_first(self) -> None:
        """Wait for the first figures."""
        while not (self.told or self.over):
            self.read()

    def expire(self) -> None:
        """Forget figures that are too old."""
        if not self.failure and time.monotonic() - self._latest > _PATIENCE:
            self.told, self.failure = True, "timeout waiting for stats"

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.stream is not None:
            self.stream.close()

    def row(self, *, truncate: bool) -> Row:
        """The figures in columns."""
        valid = not self.failure
        return usage.row(self.asked, self._stats, valid=valid, truncate=truncate)

    def _end(self, failure: str) -> None:
        self.told, self.over, self.failure = True, True, failure


class _Board:
    """The screen: meters that come and go, shown twice a second."""

    def __init__(self, client: EngineClient, options: StatsOptions) -> None:
        self._client = client
        self._names = options.containers or []
        self._everything = options.all
        self._truncate = not options.no_trunc
        self._reactor = Reactor()
        self._meters: dict[str, Meter] = {}
        self._over = False

    def run(self, listing: Listing) -> None:
        """Show until the engine goes away. Raises CliError where a named container cannot be."""
        if not self._names:
            self._watch_events()
        for name in self._names or _running(self._client, everything=self._everything):
            self._add(name)
        self._wait_for_first()
        if self._names:
            _raise_failures([*self._meters.values()])
        self._refresh(listing)
        self._reactor.run(lambda: self._over)

    def _wait_for_first(self) -> None:
        """Until each has told something, or too much time has passed."""
        self._reactor.after(_PATIENCE + 0.01, self._expire)
        self._reactor.run(lambda: all(meter.told for meter in self._meters.values()))

    def _expire(self) -> None:
        for meter in self._meters.values():
            meter.expire()

    def _refresh(self, listing: Listing) -> None:
        self._expire()
        rows = (meter.row(truncate=self._truncate) for meter in self._meters.values())
        sys.stdout.write(_screen(listing.render(rows)))
        sys.stdout.flush()
        self._reactor.after(_REFRESH, lambda: self._refresh(listing))

    def _add(self, name: str) -> None:
        if name in self._meters:
            return
        meter = self._meters[name] = Meter(name)
        meter.open(self._client, containers.send_stats(self._client, name, stream=True))
        if not meter.over:
            self._reactor.watch(_descriptor(meter), read=lambda: self._read(meter))

    def _read(self, meter: Meter) -> None:
        meter.read()
        if meter.over:
            self._forget(meter)

    def _remove(self, name: str) -> None:
        meter = self._meters.pop(name, None)
        if meter is not None and not meter.over:
            self._forget(meter)

    def _forget(self, meter: Meter) -> None:
        self._reactor.forget(_descriptor(meter))
        meter.close()

    # --- containers that come and go --------------------------------------------------------

    def _watch_events(self) -> None:
        """Before the list is asked for, so that none is missed in between."""
        wanted = filters.to_json([("type", "container")])
        stream = DocumentStream(system.events(self._client, {"filters": wanted}))
        self._reactor.watch(stream.fileno(), read=lambda: self._on_events(stream))
        if stream.has_buffered():
            self._on_events(stream)

    def _on_events(self, stream: DocumentStream) -> None:
        try:
            events = stream.read()
        except UnexpectedAnswer:
            events = []
            self._over = True
        for event in events:
            self._on_event(event)
        self._over |= stream.ended  # the engine has gone away

    def _on_event(self, event: dict[str, Any]) -> None:
        action, identity = event["Action"], event["Actor"]["ID"]
        if action == "start" or (action == "create" and self._everything):
            self._add(identity)
        elif action == "die" and not self._everything:
            self._remove(identity)


def _descriptor(meter: Meter) -> int:
    assert meter.stream is not None
    return meter.stream.fileno()


def _screen(text: str) -> str:
    """The text from the top left on, what was there before erased."""
    lines = "".join(f"{line} {_END_OF_LINE}\n" for line in text.split("\n"))
    return f"{_HOME}{lines}{_BELOW}"
