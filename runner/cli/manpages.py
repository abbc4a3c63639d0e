"""Manual pages (man(7)) from the typer declarations: names, synopsis, options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.models import OptionInfo

from runner import __version__
from runner.cli import pflag
from runner.cli.declarations.registry import COMMANDS
from runner.cli.tablegen import option_names, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.declarations.command import Command

_SECTION = 1
_ESCAPED = str.maketrans({"\\": r"\e", "-": r"\-"})
_ENVIRONMENT = (
    ("RUNNER_HOST", "The engine's address, as --host."),
    ("TRACEPARENT", "The trace that the command is part of (W3C Trace Context)."),
    ("RUNNER_TRACE_FILE", "Where the command, or the engine, writes its steps down."),
)


def pages() -> Iterator[tuple[str, str]]:
    """File name and text of every page."""
    yield f"{pflag.PROGRAM}.{_SECTION}", _overview()
    for command in COMMANDS:
        name = "-".join([pflag.PROGRAM, *command.path.split()])
        yield f"{name}.{_SECTION}", _page(name, command)


def _overview() -> str:
    program = pflag.PROGRAM
    parts = [
        _title(program),
        _section("NAME", f"{program} \\- run containers on bare containerd, as docker does"),
        _section("SYNOPSIS", f".B {program}\n[\\-\\-host ADDRESS] COMMAND [ARG...]"),
        ".SH COMMANDS\n",
        *(_item(f"{program} {c.path}", c.help) for c in sorted(COMMANDS, key=_path)),
        ".SH ENVIRONMENT\n",
        *(_item(name, says) for name, says in _ENVIRONMENT),
    ]
    return "".join(parts)


def _path(command: Command) -> str:
    return command.path


def _page(name: str, command: Command) -> str:
    program = pflag.PROGRAM
    synopsis = f".B {_text(f'{program} {command.path}')}\n{_text(command.usage)}"
    declared = [info for _, _, info, _ in parameters(command)]
    options = [_option(i) for i in declared if isinstance(i, OptionInfo) and not i.hidden]
    parts = [
        _title(name),
        _section("NAME", f"{_text(name)} \\- {_text(_sentence(command.help))}"),
        _section("SYNOPSIS", synopsis),
    ]
    if len(command.paths) > 1:
        names = ", ".join(f"{program} {path}" for path in command.paths)
        parts.append(_section("ALIASES", _text(names)))
    if options:
        parts += [".SH OPTIONS\n", *options]
    parts.append(_section("SEE ALSO", f".BR {program} (1)"))
    return "".join(parts)


def _title(name: str) -> str:
    return f'.TH {_text(name.upper())} {_SECTION} "" "{pflag.PROGRAM} {__version__}"\n'


def _section(title: str, text: str) -> str:
    return f".SH {title}\n{text}\n"


def _option(info: OptionInfo) -> str:
    metavar = f" {info.metavar}" if info.metavar else ""
    return _item(", ".join(option_names(info)) + metavar, info.help or "")


def _item(term: str, text: str) -> str:
    return f".TP\n.B {_text(term)}\n{_text(text)}\n"


def _sentence(text: str) -> str:
    """A help's first line."""
    return text.partition("\n")[0].rstrip(".")


def _text(text: str) -> str:
    """Plain text; no line of it may look like a request."""
    lines = text.translate(_ESCAPED).splitlines()
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in lines)
