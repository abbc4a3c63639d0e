"""Times as Go prints them."""

from __future__ import annotations

import time

import pytest

from runner.types.times import format_local_ns

NOON = 1_577_934_245_120_000_000


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "2020-01-02T03:04:05.12Z"),
        ("XXX-5:30", "2020-01-02T08:34:05.12+05:30"),
        ("XXX3", "2020-01-02T00:04:05.12-03:00"),
    ],
)
def test_in_the_machines_zone(monkeypatch: pytest.MonkeyPatch, zone: str, expected: str) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert format_local_ns(NOON) == expected
    time.tzset()
