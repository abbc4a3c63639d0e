"""The commands as a typer application: completion, and `typer runner.cli.app run`."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer._completion_shared import get_completion_script  # its own name is private
from typer.core import TyperCommand, TyperGroup

from runner.cli import helptext, pflag
from runner.cli.context import Context
from runner.cli.declarations.registry import COMMANDS, GROUPS
from runner.cli.tablegen import parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.cli.declarations.command import Command


def build() -> typer.Typer:
    """The whole application."""
    app = _application("", helptext.SENTENCE)
    groups = {group.name: _application(group.name, group.help) for group in GROUPS}
    for command in COMMANDS:
        for path in (command.path, *command.aliases):
            group = path.rpartition(" ")[0]
            _register(groups[group] if group else app, path, command)
    for name, inner in groups.items():
        app.add_typer(inner, name=name)
    return app


def _application(path: str, text: str) -> typer.Typer:
    class Shown(TyperGroup):
        """The group with help as docker shows it."""

        def format_help(self, _ctx: Any, formatter: Any) -> None:
            """Called by typer for all of it."""
            formatter.write(helptext.page(path))

    # -h is a container's host name, so help is --help alone; no rich: its import is slow.
    return typer.Typer(
        cls=Shown,
        help=text,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["--help"]},
    )


def _register(app: typer.Typer, path: str, command: Command) -> None:
    settings = {"allow_interspersed_args": command.interspersed}

    class Shown(TyperCommand):
        """The command with help as docker shows it."""

        def format_help(self, _ctx: Any, formatter: Any) -> None:
            """Called by typer for all of it."""
            formatter.write(helptext.page(path))

    name = path.rpartition(" ")[2]
    app.command(name, cls=Shown, help=command.help, context_settings=settings)(_function(command))


def _function(command: Command) -> Callable[..., None]:
    """A function with the signature that typer reads a command from."""

    def call(**values: Any) -> None:
        options = pflag.Options()
        vars(options).update(values)
        raise typer.Exit(pflag.load(command.target)(Context(), options))

    declared = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if default is ... else default,
            annotation=Annotated[_typers(annotation, info), info],
        )
        for name, annotation, info, default in sorted(parameters(command), key=_place)
    ]
    call.__signature__ = inspect.Signature(declared)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in declared}
    return call


def _place(parameter: tuple[str, Any, Any, Any]) -> str:
    """Arguments as they are declared, then options by their names."""
    name, _, info, _ = parameter
    return "" if isinstance(info, typer.models.ArgumentInfo) else name


def _typers(annotation: Any, info: Any) -> Any:
    """The annotation, where typer looks at no more than the list when a parser makes the items."""
    parsed = getattr(info, "parser", None) is not None
    return list[Any] | None if parsed and "list" in str(annotation) else annotation


app = build()


def completion(program: str, shell: str) -> str:
    """The script that has the shell ask `program` itself for what may follow."""
    variable = f"_{program.upper()}_COMPLETE"
    return get_completion_script(prog_name=program, complete_var=variable, shell=shell)


def run(argv: list[str]) -> int:
    """Run a command line through typer and return its exit code."""
    try:
        app(argv, prog_name=pflag.PROGRAM)
    except SystemExit as end:
        sys.stdout.flush()
        return int(end.code or 0)
    return 0
