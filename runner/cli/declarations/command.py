"""What a declaration says about a command."""

from __future__ import annotations

import dataclasses
from typing import Any

import typer


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: its names, its options, what runs it."""

    path: str
    """The words behind the program's name: "run", "image inspect"."""
    options: type[Any]
    """The class whose annotations are typer options and arguments."""
    target: str
    """`module:function` that takes the context and the options and returns the exit code."""
    usage: str
    """The usage line's end, as docker spells it: "[OPTIONS] IMAGE [COMMAND] [ARG...]"."""
    help: str
    aliases: tuple[str, ...] = ()
    """Other paths to the same command, each shown under its own name."""
    hidden_aliases: dict[str, str] = dataclasses.field(default_factory=dict)
    """Other paths that no list shows and that speak of themselves by the path given here."""
    interspersed: bool = True
    """Whether flags may follow arguments."""
    names: tuple[str, ...] = ()
    """What its arguments name, one after the other, for the shell to complete (completions.NAMES);
    none of an argument of which nothing is known."""
    traced: bool = True
    """Whether it speaks to the engine, so that there is a road to show."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All its paths in docker's order: those in a group, then the one that stands alone."""
        if " " in self.path:
            return (self.path, *self.aliases, *self.hidden_aliases)
        return (*self.aliases, *self.hidden_aliases, self.path)


@dataclasses.dataclass(frozen=True)
class Group:
    """A word that commands stand behind."""

    name: str
    help: str
    usage: str = ""
    """How docker's usage errors go on behind the name; most of its groups say nothing more."""


def flag(
    *names: str,
    help: str,  # noqa: A002 - typer's own word
    implied: str = "",
    **settings: Any,
) -> Any:
    """A typer option; `implied` is its value where it is given without one."""
    option = typer.Option(*names, help=help, show_default=False, **settings)
    option.implied = implied
    return option


def argument(metavar: str, **settings: Any) -> Any:
    """A typer argument, shown in the usage line only: it tells all there is to tell."""
    return typer.Argument(metavar=metavar, show_default=False, hidden=True, **settings)
