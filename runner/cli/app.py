"""The commands as a typer application: completion, and `typer runner.cli.app run`."""

from __future__ import annotations

import copy
import inspect
import itertools
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer._completion_shared import get_completion_script  # its own name is private
from typer.core import TyperCommand, TyperGroup

from runner.cli import completing, globalflags, helptext, pflag
from runner.cli.declarations.registry import COMMANDS, GROUPS
from runner.cli.declarations.shared import GlobalOptions
from runner.cli.tablegen import declared, parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runner.cli.declarations.command import Command
    from runner.cli.tablegen import Parameter


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
    app.callback()(_global())
    return app


def _global() -> Callable[..., None]:
    """The flags before the command, for whoever looks for them in the line's context."""

    def noted(**_values: Any) -> None: ...

    return _with(noted, map(_declared, declared(GlobalOptions)))


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

    def call(ctx: typer.Context, **values: Any) -> None:
        context = globalflags.context(completing.flags_of(ctx))
        raise typer.Exit(pflag.load(command.target)(context, pflag.Options(**values)))

    ctx = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    return _with(call, [ctx, *map(_declared, sorted(_completed(command), key=_place))])


def _declared(parameter: Parameter) -> inspect.Parameter:
    """A parameter of a function's, as typer reads it."""
    name, annotation, info, default = parameter
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[_typers(annotation, info), info],
    )


def _with(
    function: Callable[..., None], parameters: Iterable[inspect.Parameter]
) -> Callable[..., None]:
    """The function with the signature that typer shall see."""
    signature = inspect.Signature(list(parameters))
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__annotations__ = {
        name: parameter.annotation for name, parameter in signature.parameters.items()
    }
    return function


def _completed(command: Command) -> Iterator[Parameter]:
    """Its parameters, which know how names and values are completed."""
    kinds = itertools.chain(command.names, itertools.repeat(""))
    for name, annotation, info, default in parameters(command):
        info = copy.copy(info)  # several commands share the declaration
        if isinstance(info, typer.models.ArgumentInfo):
            if kind := next(kinds):
                info.autocompletion = completing.argument_completer(kind)
        elif annotation is not bool:
            info.autocompletion = completing.flag_completer(command.path, name)
        yield name, annotation, info, default


def _place(parameter: tuple[str, Any, Any, Any]) -> str:
    """Arguments as they are declared, then options by their names."""
    name, _, info, _ = parameter
    return "" if isinstance(info, typer.models.ArgumentInfo) else name


def _typers(annotation: Any, info: Any) -> Any:
    """The annotation, where typer looks at no more than the list when a parser makes the items."""
    parsed = getattr(info, "parser", None) is not None
    return list[Any] | None if parsed and "list" in str(annotation) else annotation


app = build()


_WHOLE_WORDS = """\
_{program}_whole_words() {{
    local line=$COMP_LINE current=${{COMP_WORDS[COMP_CWORD]}} word index prefix
    local -a whole=()
    for index in "${{!COMP_WORDS[@]}}"; do
        word=${{COMP_WORDS[index]}}
        if [[ $index -gt 0 && $line != [[:space:]]* ]]; then
            whole[-1]+=$word
        else
            whole+=("$word")
        fi
        line=${{line#*"$word"}}
        [[ $index -eq $COMP_CWORD ]] && break
    done
    local -a COMP_WORDS=("${{whole[@]}}")
    local COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    _{program}_completion "$1"
    [[ $current == [:=] ]] && current=
    for index in "${{!COMPREPLY[@]}}"; do
        prefix=${{COMP_WORDS[COMP_CWORD]%"$current"}}
        until [[ ${{COMPREPLY[index]}} == "$prefix"* ]]; do prefix=${{prefix#?}}; done
        COMPREPLY[index]=${{COMPREPLY[index]#"$prefix"}}
    done
    [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *[:=] ]] && compopt -o nospace
    return 0
}}
complete -o default -F _{program}_whole_words {program}"""
"""bash takes a colon and `=` for words of their own, which cuts images' names, engines' addresses
and flags with values. Pieces with no space between them are one word."""


def completion(program: str, shell: str) -> str:
    """The script that has the shell ask `program` itself for what may follow."""
    variable = f"_{program.upper()}_COMPLETE"
    script = get_completion_script(prog_name=program, complete_var=variable, shell=shell)
    return f"{script}\n\n{_WHOLE_WORDS.format(program=program)}" if shell == "bash" else script


def run(argv: list[str]) -> int:
    """Run a command line through typer and return its exit code."""
    try:
        app(argv, prog_name=pflag.PROGRAM)
    except SystemExit as end:
        sys.stdout.flush()
        return int(end.code or 0)
    return 0
