"""The kill test kills as often as it says."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults import kill

if TYPE_CHECKING:
    from collections.abc import Callable


class Victim:
    """It notes what it goes through."""

    def __init__(self, name: str, notes: list[str], **parts: Any) -> None:
        self._name, self._notes = name, notes
        vars(self).update(parts)

    def kill(self) -> None:
        self._notes.append(f"{self._name} dies")

    def start(self) -> None:
        self._notes.append(f"{self._name} lives")


@pytest.mark.parametrize("containerd", [False, True])
def test_who_is_to_die_dies_once(monkeypatch: pytest.MonkeyPatch, containerd: bool) -> None:
    sleep: Callable[[float], None] = lambda _: None  # noqa: E731
    monkeypatch.setattr(kill, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: 0.0))
    orders = set()
    for seed in range(20):
        notes: list[str] = []
        other = Victim("containerd", notes)
        engine: Any = Victim("engine", notes, containerd=other)
        kill._kill(engine, random.Random(seed), containerd=containerd)
        assert notes.count("engine dies") == notes.count("engine lives") == 1
        assert notes.count("containerd dies") == notes.count("containerd lives") == containerd
        orders.add(tuple(notes))
    assert len(orders) == (2 if containerd else 1)  # alone, or with the engine
