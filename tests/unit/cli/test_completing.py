"""What a shell is told when the engine says nothing. (What it says is tried in bash.)"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
from typer.main import get_command

from runner.cli import app, completing, completions
from runner.cli.declarations.registry import COMMANDS
from runner.cli.tablegen import parameters
from runner.client.client import EngineClient
from runner.logs.options import validate_log_opts
from runner.types.container import LogConfig

if TYPE_CHECKING:
    from pathlib import Path


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


def test_values_are_of_flags_that_there_are() -> None:
    flags = {
        name
        for command in COMMANDS
        for flag, *_ in parameters(command)
        for name in (flag, f"{command.path} {flag}")
    }
    assert completions.VALUES.keys() <= flags


@pytest.mark.parametrize("driver", ["json-file", "local", "journald", "syslog"])
def test_log_options_are_those_that_the_engine_takes(driver: str) -> None:
    line = completions.Line(EngineClient("unix:///nowhere"), "", {"log_driver": driver})
    for choice in completions.VALUES["log_opt"](line):
        option = choice.removesuffix("=")
        config = {"mode": "non-blocking", option: _VALID.get(option, "1")}
        validate_log_opts(LogConfig(type=driver, config=config))


_VALID = {
    "mode": "non-blocking",
    "syslog-address": "udp://127.0.0.1",
    "syslog-facility": "daemon",
    "syslog-format": "rfc3164",
}
