"""`runner demo`: python -m runner.demo [--step] [--functions] [--web] [SCENARIO...]"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from runner.demo.scenarios import SCENARIOS
from runner.demo.stage import Stage
from runner.types.errors import Forbidden, InvalidParameter, RunnerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


_ALL: Final = "all"
_FIRST: Final = "happy"
"""What is shown when nothing is asked for."""
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Show what was asked for; the exit code, 1 with a sentence on stderr if that cannot be."""
    options = _parser().parse_args(arguments)
    if options.list:
        _list()
        return 0
    for number in _ENDING:
        signal.signal(number, _leave)
    try:
        _check(options)
        _show(options)
    except RunnerError as error:
        print(f"runner: {error}", file=sys.stderr)  # noqa: T201 - said to whoever started us
        return 1
    return 0


def _list() -> None:
    titles = {scenario.name: scenario.title for scenario in SCENARIOS.values()}
    titles[_ALL] = "All of these, one after the other"
    width = max(map(len, titles))
    for name, title in titles.items():
        print(f"{name:{width}}  {title}")  # noqa: T201


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """The stage is struck on the way out, whatever ends the demo; nothing ends that."""
    _hear_no_more()
    print("runner: cleaning up", file=sys.stderr)  # noqa: T201 - it may take seconds
    raise SystemExit(128 + number)


def _hear_no_more() -> None:
    for number in _ENDING:  # not SIG_IGN, which the engine's and the commands' processes inherit
        signal.signal(number, lambda _number, _frame: None)


def _check(options: argparse.Namespace) -> None:
    for name in options.scenarios:
        if name not in SCENARIOS and name != _ALL:
            known = ", ".join(SCENARIOS)
            raise InvalidParameter(f"no such scenario: {name}; there are {known}, and {_ALL}")
    if options.web and (len(options.scenarios) > 1 or _ALL in options.scenarios):
        raise InvalidParameter("--web begins with one scenario; choose the others in the page")
    if os.geteuid() != 0:
        raise Forbidden("the demo runs containers, and needs root: start it with sudo")


def _show(options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as resources:
        stage = Stage(containerd=options.containerd or "", busybox=options.busybox)
        resources.enter_context(stage)
        resources.callback(_hear_no_more)
        if options.web:
            from runner.demo.web import serve

            serve(stage, port=options.port, scenario=next(iter(options.scenarios), ""))
            return
        from runner.demo.terminal import Terminal

        terminal = Terminal(stage, step=options.step, functions=options.functions)
        names = SCENARIOS if _ALL in options.scenarios else options.scenarios or [_FIRST]
        for name in names:
            terminal.show(SCENARIOS[name])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runner demo")
    add = parser.add_argument
    add("scenarios", nargs="*", metavar="SCENARIO")
    add("--list", action="store_true")
    add("--step", action="store_true")
    add("--functions", action="store_true")
    add("--web", action="store_true")
    add("--port", type=int, default=0)
    add("--containerd")
    add("--busybox", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
