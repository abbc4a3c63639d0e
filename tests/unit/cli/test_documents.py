"""What the command line says of itself to shells and to man."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.cli import main
from runner.cli.declarations.registry import COMMANDS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_each_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_RUNNER_COMPLETE" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_no_other_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["completion", "csh"]) == 1
    assert capsys.readouterr().err == "unknown shell: csh; there are bash, zsh, fish\n"


def test_bash_completes(tmp_path: Path) -> None:
    """The script asks the program, which knows its commands."""
    (tmp_path / "runner").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m runner "$@"\n')
    (tmp_path / "runner").chmod(0o755)
    script = (
        "source <(runner completion bash); COMP_WORDS=(runner re); COMP_CWORD=1;"
        ' _runner_completion runner; echo "${COMPREPLY[@]}"'
    )
    environment = dict(os.environ, PATH=f"{tmp_path}:{os.environ['PATH']}", PYTHONPATH=str(ROOT))
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert set(done.stdout.split()) >= {"rename", "restart"}
    assert all(word.startswith("re") for word in done.stdout.split())


def test_a_page_for_each_command(tmp_path: Path) -> None:
    assert main.run(["man", str(tmp_path / "man")]) == 0
    pages = {path.name: path.read_text() for path in (tmp_path / "man").iterdir()}
    assert len(pages) == len(COMMANDS) + 1
    run = pages["runner-run.1"]
    assert run.startswith(".TH RUNNER\\-RUN 1 ")
    assert ".B \\-\\-memory, \\-m bytes" in run
    assert "\\-\\-trace" in run
    assert "runner\\-run" not in pages["runner-serve.1"]
    if shutil.which("man"):
        page = str(tmp_path / "man/runner-run.1")
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True)
        assert done.stderr == ""


def test_a_directory_that_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main.run(["man", str(tmp_path / "file/man")]) == 1
    assert "cannot write the manual pages" in capsys.readouterr().err
