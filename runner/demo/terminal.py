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

_KEY: Final = "any key goes on"
_ON: Final = (
    "Where to read on: docs/boundary.md tells this road, docs/moby-map.md every step with our"
    " function and moby's. --functions shows those of this road; --web shows each step's request,"
    " answer and source."
)


class Terminal:
    """Shows scenarios one after the other.

    With `step` it waits for a key before each act and before the clean-up; with `functions` it
    names ours and moby's for each step.
    """

    def __init__(self, stage: Stage, *, step: bool = False, functions: bool = False) -> None:
        self._stage = stage
        self._step = step
        self._functions = functions
        self._hinted = False
        self._road = Road()
        self._width = tree.columns(1)
        self._console = Console(highlight=False, soft_wrap=True)
        stage.audience = Audience(
            step=lambda made: self._road.hear(made),
            say=self._say,
            command=self._command,
            pause=self._pause,
            over=self._draw,
        )

    def show(self, scenario: Scenario) -> Road:
        """Tell, run, draw, explain; the road that was taken."""
        self._road, self._hinted = Road(), False
        self._print(f"\n[bold]{scenario.name}: {scenario.title}[/bold]")
        self._print_plain(scenario.about)
        with self._stage.scenario(scenario.name):
            scenario.run(self._stage)
        self._print("\n[bold]What to look for[/bold]")
        self._print_plain(scenario.look)
        if self._functions:
            self._name_functions()
        self._print()
        self._print_plain(_ON)
        return self._road

    def _draw(self) -> None:
        self._print()
        sys.stdout.flush()
        colours = self._console.is_terminal
        sys.stdout.write(tree.render(self._road.steps(), colours=colours, width=self._width))
        sys.stdout.flush()
        if self._step:
            self._print("\n[bold cyan]•[/bold cyan] That was all; next comes the clean-up.")
        self._pause()

    def _say(self, text: str) -> None:
        words = textwrap.fill(text, self._width - 2, subsequent_indent="  ")
        self._print(f"\n[bold cyan]•[/bold cyan] {words}")

    def _command(self, command: Command) -> None:
        self._print(f"[green]$ {command.line}[/green]")
        self._console.print(command.output.rstrip(), markup=False)
        if command.code:
            self._print(f"[dim](exit code {command.code})[/dim]")

    def _pause(self) -> None:
        if not self._step:
            return
        for line in self._hints():
            self._print(f"[dim]{line}[/dim]")
        _read_key()

    def _hints(self) -> list[str]:
        """How to look around: in full once, and that the engine is dead as long as it is."""
        if not self._stage.serves:
            return [f"{_KEY}; the engine answers nobody now, containerd does (ctr)"]
        if self._hinted:
            return [_KEY]
        self._hinted = True
        ctr = f"ctr -a {self._stage.containerd} -n {self._stage.namespace}"
        return [
            f"{_KEY}; look around meanwhile, in another terminal, as root:",
            f"  {ctr} containers ls",
            f"  {ctr} tasks ls",
            f"  export RUNNER_HOST={self._stage.host}",
            "  runner ps -a",
        ]

    def _name_functions(self) -> None:
        """Each step of this road with our function and moby's."""
        self._print("\n[bold]The functions[/bold]  (a step, ours, moby's)")
        seen: dict[str, Any] = {}
        for step in self._road.steps():
            if stop_of(step).moby:
                seen.setdefault(step["name"], step)
        for name, step in seen.items():
            stop = stop_of(step)
            ours = ROAD[name].ours if name in ROAD else step.get("code", {}).get("function", "")
            for line in (short_name(name), f"  {ours}", f"  {stop.moby}"):
                self._console.print(line, markup=False)

    def _print(self, text: str = "") -> None:
        self._console.print(text)

    def _print_plain(self, text: str) -> None:
        self._console.print(textwrap.fill(text, self._width), markup=False)


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
