"""How typer asks what a shell may complete (`completions`).

Asking starts no engine, and where none answers there is nothing to choose from.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - it reads the annotations itself

from runner.cli import globalflags, pflag
from runner.cli.completions import NAMES, VALUES, Line
from runner.client.address import DEFAULT_HOST
from runner.client.client import EngineClient
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import NoReturn

    from runner.cli.completions import Choice

    Completer = Callable[[typer.Context, str], list[str]]

SECONDS = 5
"""The longest that a shell waits for an engine that keeps silent."""


def flags_of(ctx: typer.Context) -> pflag.Options:
    """The flags that came before the command."""
    return pflag.Options(**ctx.find_root().params)


def argument_completer(kind: str) -> Completer:
    """What typer asks for an argument that names one of these."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        named = _named(ctx)
        return [name for name in _chosen(NAMES[kind], ctx, incomplete) if name not in named]

    return complete


def flag_completer(command: str, flag: str) -> Completer | None:
    """What typer asks for the flag's value; None where nothing is known of it."""
    choice = VALUES.get(f"{command} {flag}") or VALUES.get(flag)
    if choice is None:
        return None

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return _chosen(choice, ctx, incomplete)

    return complete


def _chosen(choice: Choice, ctx: typer.Context, incomplete: str) -> list[str]:
    context = globalflags.context(flags_of(ctx))
    client = EngineClient(context.host or DEFAULT_HOST, tls=context.tls)
    try:
        with _time_limit(SECONDS):
            found = list(choice(Line(client, incomplete, ctx.params)))
    except (RunnerError, OSError):
        return []
    return [value for value in found if value.startswith(incomplete)]


@contextlib.contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raises TimeoutError in the midst of what takes longer."""

    def end(*_: object) -> NoReturn:
        raise TimeoutError

    signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def _named(ctx: typer.Context) -> set[str]:
    """What is on the line already: nobody names a thing twice."""
    lists = [value for value in ctx.params.values() if isinstance(value, (list, tuple))]
    return {text for each in lists for text in each if isinstance(text, str)}
