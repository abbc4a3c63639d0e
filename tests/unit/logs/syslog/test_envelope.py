"""Messages as Go's formatters make them."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime

import pytest

from runner.logs.syslog.envelope import Envelope


@pytest.fixture(params=["UTC", "Europe/Berlin", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    request.addfinalizer(lambda: (monkeypatch.undo(), time.tzset()))
    return str(request.param)


@pytest.mark.parametrize(
    ("format_", "pattern"),
    [
        ("", r"<30>[A-Z][a-z][a-z] [ 123]\d \d\d:\d\d:\d\d tag\[PID\]: hi\n"),
        ("rfc3164", r"<30>[A-Z][a-z][a-z] [ 123]\d \d\d:\d\d:\d\d host tag\[PID\]: hi\n"),
        ("rfc5424", r"<30>1 TIME host tag PID tag - hi\n"),
        ("rfc5424micro", r"<30>1 MICRO host tag PID tag - hi\n"),
    ],
)
def test_formats(zone: str, format_: str, pattern: str) -> None:
    offset = r"Z" if zone == "UTC" else r"[+-]\d\d:\d\d"
    second = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
    pattern = (
        pattern.replace("PID", str(os.getpid()))
        .replace("TIME", second + offset)
        .replace("MICRO", rf"{second}\.\d{{6}}{offset}")
    )
    message = Envelope(format_, 3, "host", "tag").wrap(b"hi", "stdout").decode()
    assert re.fullmatch(pattern, message)


def test_the_time_is_local(zone: str) -> None:
    before = datetime.now().astimezone().replace(microsecond=0)
    message = Envelope("rfc5424", 3, "host", "tag").wrap(b"hi", "stdout").decode()
    said = datetime.fromisoformat(message.split()[1])
    assert 0 <= (said - before).total_seconds() <= 5
    assert said.utcoffset() == before.utcoffset()


@pytest.mark.parametrize(
    ("facility", "stream", "priority"),
    [(3, "stdout", 30), (3, "stderr", 27), (0, "stdout", 6), (23, "stderr", 187)],
)
def test_priorities(facility: int, stream: str, priority: int) -> None:
    message = Envelope("", facility, "host", "tag").wrap(b"", stream)  # type: ignore[arg-type]
    assert message.startswith(b"<%d>" % priority)


def test_bytes_are_left_alone() -> None:
    message = Envelope("rfc3164", 3, "host", "täg").wrap(b"\xff\0\r", "stdout")
    assert message.endswith("täg".encode() + b"[%d]: \xff\0\r\n" % os.getpid())


def test_framed_messages_start_with_their_length() -> None:
    message = Envelope("rfc5424", 3, "host", "tag", framed=True).wrap("é".encode(), "stdout")
    length, _, rest = message.partition(b" ")
    assert int(length) == len(rest)
    assert rest.startswith(b"<30>1 ")
