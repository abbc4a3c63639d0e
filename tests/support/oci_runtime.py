"""The OCI runtimes of the tests: the one that engines take by default, and one that misbehaves as a
test wants it to and otherwise is the same."""

from __future__ import annotations

import json
import os
import shlex
import time
from typing import TYPE_CHECKING, Final

from tests.support.process import HarnessError
from tests.support.toolchain import crun

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_RUNTIME: Final = os.environ.get("RUNNER_TEST_RUNTIME") or "runc"
"""What our engines are told to take; a dockerd always takes runc."""


def default_runtime_dirs() -> list[Path]:
    """Where it is, if it is not the host's."""
    return [crun().parent] if DEFAULT_RUNTIME == "crun" else []


# A line of the log is how runc tells the shim what went wrong.
_SCRIPT: Final = """\
#!/bin/sh
log=/dev/null; previous=; command=
for word; do
  [ "$previous" = --log ] && log=$word
  case $word in create|start|kill|delete) command=${{command:-$word}};; esac
  previous=$word
done
if [ -e {folder}/on-$command ]; then . {folder}/on-$command; fi
exec {runtime} "$@"
"""


class OddRuntime:
    """The runtime `odd`: a script around the default one, to be found in `bin_dir` or at `path`."""

    name: Final = "odd"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bin_dir = folder / "bin"
        self.path = self.bin_dir / self.name
        self.bin_dir.mkdir()
        runtime = (str(path / DEFAULT_RUNTIME) for path in default_runtime_dirs())
        script = _SCRIPT.format(
            folder=shlex.quote(str(folder)), runtime=next(runtime, DEFAULT_RUNTIME)
        )
        self.path.write_text(script)
        self.path.chmod(0o755)

    def add_program(self, program: Path) -> None:
        """Put a program into `bin_dir`."""
        (self.bin_dir / program.name).symlink_to(program)

    def fail(self, command: str, text: str) -> None:
        """Let the runtime's command (create, start, kill, delete) fail with the text."""
        line = json.dumps({"level": "error", "msg": text, "time": "2024-01-02T03:04:05Z"})
        self._on(command, f'printf "%s\\n" {shlex.quote(line)} >"$log"; exit 1')

    def block(self, command: str) -> Gate:
        """Let the command wait until the gate is opened."""
        gate = Gate(self._folder / f"reached-{command}", self._folder / f"open-{command}")
        reached, opened = (shlex.quote(str(path)) for path in (gate.reached, gate.opened))
        self._on(command, f"touch {reached}; until [ -e {opened} ]; do sleep 0.02; done")
        return gate

    def behave(self) -> None:
        """Be as the other again, and open every gate."""
        for script in self._folder.glob("on-*"):
            script.unlink()
        for reached in self._folder.glob("reached-*"):
            (self._folder / reached.name.replace("reached", "open")).touch()

    def _on(self, command: str, script: str) -> None:
        for mark in ("reached", "open"):
            (self._folder / f"{mark}-{command}").unlink(missing_ok=True)
        new = self._folder / f"new-{command}"
        new.write_text(script + "\n")
        new.rename(self._folder / f"on-{command}")


class Gate:
    """Where a blocked command waits."""

    def __init__(self, reached: Path, opened: Path) -> None:
        self.reached, self.opened = reached, opened

    def wait(self, seconds: float = 20) -> None:
        """Wait until the command has come to the gate."""
        deadline = time.monotonic() + seconds
        while not self.reached.exists():
            if time.monotonic() > deadline:
                raise HarnessError(f"nothing came to {self.reached.name} within {seconds:g} s")
            time.sleep(0.01)

    def open(self) -> None:
        """Let it go on."""
        self.opened.touch()
