"""What a shell is told when the engine says nothing. (What it says is tried in bash.)"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from typer.main import get_command

from runner.cli import app, completing

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def completed(*words: str) -> list[str]:
    """What the last argument of the command may be."""
    command = get_command(app.app)
    context = command.make_context("runner", list(words), resilient_parsing=True)
    inner = command.get_command(context, words[-1])
    context = inner.make_context(words[-1], [], parent=context, resilient_parsing=True)
    return [item.value for item in inner.params[0].shell_complete(context, "")]


def test_nobody_there() -> None:
    assert completed("-H", "unix:///nowhere", "stop") == []


def test_an_engine_that_keeps_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completing, "SECONDS", 1)
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("silent")
        listener.listen()
        began = time.monotonic()
        assert completed("-H", f"unix://{tmp_path}/silent", "stop") == []
        assert 0.9 < time.monotonic() - began < 10
