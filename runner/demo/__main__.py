"""`runner demo`: python -m runner.demo [--step] [--web] [SCENARIO...]"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from runner.demo.scenarios import SCENARIOS
from runner.demo.stage import Stage
from runner.types.errors import Forbidden, InvalidParameter, RunnerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def main(arguments: Sequence[str] | None = None) -> int:
    """Show what was asked for; the exit code, 1 with a sentence on stderr if that cannot be."""
    options = _parser().parse_args(arguments)
    if options.list:
        width = max(map(len, SCENARIOS))
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:{width}}  {scenario.title}")  # noqa: T201
        return 0
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        _check(options)
        _show(options)
    except RunnerError as error:
        print(f"runner: {error}", file=sys.stderr)  # noqa: T201 - said to whoever started us
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """The stage is struck on the way out, whatever ends the demo."""
    raise SystemExit(128 + number)


def _check(options: argparse.Namespace) -> None:
    for name in options.scenarios:
        if name not in SCENARIOS and name != "all":
            known = ", ".join(SCENARIOS)
            raise InvalidParameter(f"no such scenario: {name}; there are {known}, and all")
    if os.geteuid() != 0:
        raise Forbidden("the demo runs containers, and needs root: start it with sudo")


def _show(options: argparse.Namespace) -> None:
    with Stage(containerd=options.containerd or "", busybox=options.busybox) as stage:
        if options.web:
            from runner.demo.web import serve

            serve(stage, port=options.port)
            return
        from runner.demo.terminal import Terminal

        terminal = Terminal(stage, step=options.step)
        names = SCENARIOS if "all" in options.scenarios else options.scenarios or ["happy"]
        for name in names:
            terminal.show(SCENARIOS[name])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runner demo")
    add = parser.add_argument
    add("scenarios", nargs="*", metavar="SCENARIO")
    add("--list", action="store_true")
    add("--step", action="store_true")
    add("--web", action="store_true")
    add("--port", type=int, default=0)
    add("--containerd")
    add("--busybox", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
