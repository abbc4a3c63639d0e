"""What --help shows, in docker's shape: usage, a sentence, aliases, options, commands.

The shape is docker/cli's usageTemplate, the columns are pflag's FlagUsages.
"""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from typer.models import OptionInfo

from runner.cli.declarations.registry import COMMANDS, GROUPS
from runner.cli.declarations.shared import GlobalOptions
from runner.cli.pflag import PROGRAM
from runner.cli.tablegen import declared, option_names, parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.cli.declarations.command import Command, Group

SENTENCE = "Run containers on bare containerd, as docker does"
_COMMON = "run exec ps pull push images login logout search version info".split()
"""What docker names first, in its order."""
_NAME_WIDTH = 11


def page(path: str) -> str:
    """The help of a command by any of its paths, of a group, or for "" of the program."""
    if not path:
        return _program()
    if found := next((group for group in GROUPS if group.name == path), None):
        return _group(found)
    return _command(path, next(command for command in COMMANDS if path in command.paths))


def _program() -> str:
    alone = {path: text for path, text in _sentences() if " " not in path}
    groups = {group.name: group.help for group in GROUPS}
    others = {name: alone[name] for name in sorted(alone) if name not in _COMMON}
    return _sections(
        f"Usage:  {PROGRAM} [OPTIONS] COMMAND",
        SENTENCE,
        _list("Common Commands", {name: alone[name] for name in _COMMON}),
        _list("Management Commands", dict(sorted(groups.items()))),
        _list("Commands", others),
        _options("Global Options", (info for _, _, info, _ in declared(GlobalOptions))),
        _more(PROGRAM),
    )


def _group(group: Group) -> str:
    inside = {path: text for path, text in _sentences() if path.startswith(f"{group.name} ")}
    return _sections(
        f"Usage:  {PROGRAM} {group.name} COMMAND",
        group.help,
        _list("Commands", {path.split()[1]: inside[path] for path in sorted(inside)}),
        _more(f"{PROGRAM} {group.name}"),
    )


def _command(path: str, command: Command) -> str:
    return _sections(
        f"Usage:  {PROGRAM} {path} {command.usage}",
        command.help,
        _aliases(command),
        _options("Options", (info for _, _, info, _ in parameters(command))),
    )


def _sections(*sections: str) -> str:
    return "\n\n".join(filter(None, sections))


def _more(prefix: str) -> str:
    return f"Run '{prefix} COMMAND --help' for more information on a command."


def _sentences() -> Iterator[tuple[str, str]]:
    """Every path that lists show, with what it does."""
    for command in COMMANDS:
        for path in (command.path, *command.aliases):
            yield path, command.help


def _list(title: str, texts: dict[str, str]) -> str:
    width = max(_NAME_WIDTH, *map(len, texts))
    lines = (f"\n  {name:{width}} {text}" for name, text in texts.items())
    return f"{title}:{''.join(lines)}"


def _aliases(command: Command) -> str:
    if len(command.paths) == 1:
        return ""
    return "Aliases:\n  " + ", ".join(f"{PROGRAM} {path}" for path in command.paths)


def _options(title: str, infos: Iterable[object]) -> str:
    """The flags by their names; nothing where there are none."""
    shown = [info for info in infos if isinstance(info, OptionInfo) and not info.hidden]
    lines = {name: info.help or "" for name, info in sorted(map(_named, shown), key=_long)}
    if not lines:
        return ""
    column = max(map(len, lines)) + 3
    return f"{title}:" + "".join(_line(name, text, column) for name, text in lines.items())


def _named(info: OptionInfo) -> tuple[str, OptionInfo]:
    """`  -f, --filter filter`, or without the letter as far to the right."""
    names = option_names(info)
    long = next(name for name in names if name.startswith("--"))
    short = next((f"{name}, " for name in names if not name.startswith("--")), "")
    value = f" {info.metavar}" if info.metavar else ""
    implied: str = getattr(info, "implied", "")
    given_alone = f'[="{implied}"]' if implied else ""
    return f"  {short:4}{long}{value}{given_alone}", info


def _long(named: tuple[str, OptionInfo]) -> str:
    return named[0].partition("--")[2]


def _line(name: str, text: str, column: int) -> str:
    """The flag with its text beside it, in as many lines as the terminal is narrow."""
    width = max(24, shutil.get_terminal_size().columns - column)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{name:{column}}" + ("\n" + " " * column).join(lines)
