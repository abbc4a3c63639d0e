"""A log that fails is told of once, not once a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.logs import Failures

if TYPE_CHECKING:
    import pytest

FULL = OSError("disk full")


def test_once_until_it_works_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("runner.logs.failures.time.monotonic", lambda: now)
    failures = Failures("box")
    for _ in range(100):
        failures.failed(FULL)
    assert [record.message for record in caplog.records] == [
        "failed to log messages, they are lost until it works again: disk full"
    ]
    assert caplog.records[0].container == "box"  # type: ignore[attr-defined]
    for _ in range(100):  # fails and works by turns
        failures.worked()
        failures.failed(FULL)
    assert len(caplog.records) == 1
    now += 60
    failures.failed(FULL)
    assert len(caplog.records) == 1  # it is no news
    failures.worked()
    failures.failed(FULL)
    assert len(caplog.records) == 2
