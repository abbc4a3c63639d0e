"""Parsing command lines as the program does, and as typer does."""

from __future__ import annotations

import functools
from typing import Any

import typer.main

from runner.cli import app, pflag, table, tablegen
from runner.cli.create import body

TABLE = table.Table(tablegen.build())


def parse(*argv: str) -> tuple[str, pflag.Options]:
    """The command's path and the parsed options."""
    found = TABLE.find(list(argv))
    assert found is not None, argv
    path, command, count = found
    return path, pflag.parse(path, command, list(argv[count:]), lambda _text: None)


def refusal(*argv: str) -> str:
    """The first line of the usage error."""
    try:
        parse(*argv)
    except pflag.UsageError as err:
        return str(err).splitlines()[0]
    raise AssertionError(f"accepted: {argv}")


def built(*flags: str, image: str = "busybox") -> dict[str, Any]:
    """The create request that the flags make."""
    _, options = parse("create", *flags, image)
    return body.build(options, image, options.command)  # type: ignore[arg-type]


@functools.cache
def typer_command(path: str) -> Any:
    """typer's own object for a command; building one takes typer a while."""
    command: Any = typer_program()
    for word in path.split():
        command = command.commands[word]
    return command


@functools.cache
def typer_program() -> Any:
    """typer's object for the whole program."""
    return typer.main.get_command(app.app)


def parse_with_typer(path: str, argv: list[str]) -> dict[str, Any] | None:
    """The values that typer's own parser gives the command; None when it refuses."""
    command = typer_command(path)
    try:
        with command.make_context(path, list(argv)) as context:
            return dict(context.params)
    except Exception as err:
        if type(err).__name__ in ("Exit", "Abort") or hasattr(err, "format_message"):
            return None
        raise
