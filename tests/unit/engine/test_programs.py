"""What programs say of themselves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.engine import programs
from runner.engine.programs import (
    Program,
    parse_init_version,
    parse_runtime_version,
    runtime_features,
    runtime_program,
)

if TYPE_CHECKING:
    from pathlib import Path

RUNC = "runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1\nspec: 1.0.2-dev\ngo: go1.19.8\n"
CRUN = "crun version 1.8.1\ncommit: f8a096be\nrundir: /run/user/0/crun\n"


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        (RUNC, Program("x", "1.1.5+ds1", "1.1.5+ds1-1")),
        (CRUN, Program("x", "1.8.1", "f8a096be")),
        ("youki version: 0.3", Program("x", ": 0.3", "")),
        ("commit: abc", Program("x", "", "abc")),
        ("nothing of use", None),
        ("", None),
    ],
)
def test_runtimes(answer: str, program: Program | None) -> None:
    assert parse_runtime_version("x", answer) == program


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("tini version 0.19.0 - git.de40ad0\n", Program("x", "0.19.0", "de40ad0")),
        ("tini version 0.19.0\n", Program("x", "0.19.0", "")),
        ("tini version 0.19.0 - git.a.b\n", Program("x", "0.19.0", "")),
        ("init - git.de40ad0", Program("x", "", "de40ad0")),
        ("catatonit 0.1\n", None),
        ("", None),
    ],
)
def test_inits(answer: str, program: Program | None) -> None:
    assert parse_init_version("x", answer) == program


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(programs, "_answers", {})
    return tmp_path / "tool"


def write(tool: Path, script: str, stamp: int) -> None:
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    os.utime(tool, ns=(stamp, stamp))


async def test_a_program_is_asked_again_when_it_has_changed(tool: Path) -> None:
    write(tool, f'echo x >>{tool}.asked; echo "tool version 1"', 1)
    for _ in range(3):
        assert await runtime_program("tool") == Program("tool", "1", "")
    assert (tool.parent / "tool.asked").read_text() == "x\n"
    write(tool, 'echo "tool version 2"', 2)
    assert await runtime_program("tool") == Program("tool", "2", "")


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense", "kill $$"])
async def test_one_that_cannot_tell(tool: Path, script: str) -> None:
    write(tool, script, 1)
    assert await runtime_program("tool") is None
    assert await runtime_features("tool") is None
    assert await runtime_program("no-such-tool") is None


async def test_features_are_told_in_one_line(tool: Path) -> None:
    write(tool, """printf '{\\n  "a": [1,\\n 2]}'""", 1)
    assert await runtime_features("tool") == '{"a":[1,2]}'
