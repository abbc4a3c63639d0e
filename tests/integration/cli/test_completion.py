"""What the shell completes: bash, with an engine that knows names."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.integration.cli.conftest import Live, with_a_box
from tests.support.engine import runner_command
from tests.support.pty import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

_ENTER, _TAB, _CLEAR = "\n", "\t", "\x15"
_PROMPT = "ready> "


@pytest.fixture
def engine(busybox: Any) -> Iterator[Live]:
    """Ours, with one container that runs."""
    with with_a_box(busybox) as live:
        yield live


@pytest.fixture
def shell(engine: Live, tmp_path: Path) -> Iterator[Terminal]:
    """bash with `runner` on PATH, and its completion."""
    program = tmp_path / "runner"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(runner_command())} "$@"\n')
    program.chmod(0o755)
    rc = tmp_path / "rc"
    rc.write_text(f"PS1={_PROMPT!r}; bind 'set enable-bracketed-paste off'\n")
    env = engine.env | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with Terminal(["bash", "--rcfile", str(rc), "-i"], env=env, columns=200) as terminal:
        terminal.expect(_PROMPT)
        terminal.send("source <(runner completion bash)\n")
        terminal.expect(_PROMPT)
        yield terminal
        terminal.send(f"{_CLEAR}exit{_ENTER}")
        terminal.wait()


def test_containers(engine: Live, shell: Terminal) -> None:
    """Those that the command is for, and each once; after words that are quoted, too."""
    engine.docker("create", "--name", "idle", "--network", "none", "busybox")
    shell.send(f"runner stop {_TAB}")
    shell.expect("stop box ")
    shell.send(f"{_CLEAR}runner start {_TAB}")
    shell.expect("start idle ")
    shell.send(f"{_CLEAR}runner rm {_TAB}")
    shell.expect("rm idle ")
    shell.send(f"{_CLEAR}runner rm -f idle {_TAB}")
    shell.expect("rm -f idle box ")
    shell.send(f"{_CLEAR}runner exec -e 'A=b c' {_TAB}")
    shell.expect("'A=b c' box ")


def test_an_images_colon_is_in_the_word(engine: Live, shell: Terminal) -> None:
    engine.docker("tag", "busybox", "busybox:musl")
    shell.send(f"runner run --rm busybox:m{_TAB}")
    shell.expect("run --rm busybox:musl ")
    engine.docker("rmi", "busybox:musl")


def test_whose_names_they_are(engine: Live, shell: Terminal) -> None:
    """The engine's that the line speaks of; where none answers there are none."""
    shell.send(f"RUNNER_HOST= runner -H {engine.env['RUNNER_HOST']} network inspect hos{_TAB}")
    shell.expect("inspect host ")
    shell.send(f"{_CLEAR}runner -H unix:///nowhere network inspect hos{_TAB}x{_TAB}")
    shell.expect(r"inspect hos\a*x")


VALUES = {
    "run --restart on-f": "on-failure ",
    "run --restart=on-f": "--restart=on-failure ",
    "run --network ho": "host ",
    "run --network=ho": "--network=host ",
    "create --cap-add CAP_NET_AD": "CAP_NET_ADMIN ",
    "run --security-opt seccomp=unc": "seccomp=unconfined ",
    "run --security-opt=seccomp=unc": "--security-opt=seccomp=unconfined ",
    "run --log-driver local --log-opt max-f": "max-file=3",  # and no space before the 3
    "run --pid container:b": "container:box ",
    "run --pid=container:b": "--pid=container:box ",
    "run --link b": "box:3",
    "run -e RUNNER_HO": "RUNNER_HOST ",
    "events --filter container=b": "container=box ",
    "events -f event=health": "event=health_status ",
    "kill -s SIGWIN": "SIGWINCH ",
    "update --restart unl": "unless-stopped ",
    "inspect --type vol": "volume ",
}


def test_values_of_flags(shell: Terminal) -> None:
    for typed, completed in VALUES.items():
        shell.send(f"{_CLEAR}runner {typed}{_TAB}{'3' if completed.endswith('3') else ''}")
        words, _, _ = typed.rpartition(" ")
        shell.expect(re.escape(f"{words} {completed}"))
