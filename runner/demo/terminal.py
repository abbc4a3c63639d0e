"""The demo as text: what is about to be seen, the commands, the road, and where to read on."""

from __future__ import annotations

import sys
import termios
import textwrap
import tty
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from runner.demo.road import Road
from runner.demo.stage import Audience, Command
from runner.trace import tree
from runner.trace.road import ROAD, short_name, stop_of

if TYPE_CHECKING:
    from runner.demo.scenarios import Scenario
    from runner.demo.stage import Stage

_WIDTH: Final = 96


class Terminal:
    """Shows scenarios one after the other; with `step` it waits for a key before each act."""

    def __init__(self, stage: Stage, *, step: bool = False) -> None:
        self._stage = stage
        self._step = step
        self._road = Road()
        self._console = Console(highlight=False, soft_wrap=True)
        stage.audience = Audience(
            step=lambda made: self._road.hear(made),
            say=self._say,
            command=self._command,
            pause=self._pause,
        )

    def show(self, scenario: Scenario) -> Road:
        """Tell, run, draw, explain; the road that was taken."""
        self._road = Road()
        out = self._console.print
        out(f"\n[bold]{scenario.name}: {scenario.title}[/bold]")
        out(_wrapped(scenario.about), markup=False)
        with self._stage.scenario(scenario.name):
            scenario.run(self._stage)
        out()
        sys.stdout.flush()
        sys.stdout.write(tree.render(self._road.steps(), colours=self._console.is_terminal))
        out("\n[bold]What to look for[/bold]")
        out(_wrapped(scenario.look), markup=False)
        self._name_functions()
        return self._road

    def _say(self, text: str) -> None:
        self._console.print(f"\n[bold cyan]•[/bold cyan] {text}")

    def _command(self, command: Command) -> None:
        self._console.print(f"[green]$ {command.line}[/green]")
        self._console.print(command.output.rstrip(), markup=False)
        if command.code:
            self._console.print(f"[dim](exit code {command.code})[/dim]")

    def _pause(self, _: str) -> None:
        if not self._step:
            return
        look = f"ctr -a {self._stage.containerd} -n {self._stage.namespace}"
        self._console.print(
            f"[dim]any key goes on; look around meanwhile, in another terminal:\n"
            f"  {look} containers ls\n  {look} tasks ls\n"
            f"  RUNNER_HOST={self._stage.host} runner ps -a[/dim]"
        )
        _read_key()

    def _name_functions(self) -> None:
        """Each step of this road with our function and moby's."""
        self._console.print("\n[bold]Where to read on[/bold]  (step · ours · moby's)")
        seen: dict[str, Any] = {}
        for step in self._road.steps():
            if stop_of(step).moby:
                seen.setdefault(step["name"], step)
        for name, step in seen.items():
            stop = stop_of(step)
            ours = ROAD[name].ours if name in ROAD else step.get("code", {}).get("function", "")
            self._console.print(f"  {short_name(name)} · {ours} · {stop.moby}", markup=False)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH)


def _read_key() -> None:
    """Wait for one key of the terminal, or for a line where there is none."""
    if not sys.stdin.isatty():
        sys.stdin.readline()
        return
    before = termios.tcgetattr(0)
    try:
        tty.setcbreak(0)
        sys.stdin.read(1)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
