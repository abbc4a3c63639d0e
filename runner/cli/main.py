"""The program: global flags, the command, its errors as text and exit code."""

from __future__ import annotations

import gc
import os
import sys

from runner import __version__
from runner.cli import globalflags, pflag, table
from runner.cli.context import say, warn
from runner.cli.errors import CliError
from runner.cli.outcome import die_of_broken_pipe, printing_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_COMPLETION = ("--install-completion", "--show-completion")
_USAGE = "[OPTIONS] COMMAND [ARG...]"
_GLOBAL = pflag.Command("", _USAGE, False, globalflags.FLAGS, (("words", "many"),))


def main() -> NoReturn:
    """The console script. Does not return: tearing the interpreter down would take longer."""
    gc.disable()  # nothing here lives long enough to be worth collecting
    _open_standard_descriptors()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        die_of_broken_pipe()
    os._exit(code)


def _open_standard_descriptors() -> None:
    """Where the caller closed one, a socket of ours would take its number, and be typed into."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open("/dev/null", os.O_RDWR)  # takes the lowest free number, this one
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 - the process's own
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def run(argv: list[str]) -> int:
    """Run one command line and return its exit code, its errors printed."""
    return printing_errors(lambda: _run(argv))


def _run(argv: list[str]) -> int:
    if "_RUNNER_COMPLETE" in os.environ or (argv and argv[0] in _COMPLETION):
        return _typer(argv)
    try:
        options = pflag.parse("", _GLOBAL, argv, say)
    except pflag.HelpRequested:
        return _help("")
    if options.version:
        say(f"runner version {__version__}")
        return 0
    words: list[str] = options.words
    known = table.load()
    found = known.find(words)
    if found is None:
        return _without_command(words, known)
    path, command, count = found
    try:
        parsed = pflag.parse(path, command, words[count:], say)
    except pflag.HelpRequested:
        return _help(path)
    context = globalflags.context(options)
    target = pflag.load(command.target)
    if _is_traced(parsed):
        from runner.cli.tracing import traced

        return traced(context, path, argv, parsed, lambda: target(context, parsed))
    code: int = target(context, parsed)
    return code


def _is_traced(options: pflag.Options) -> bool:
    """Whether the command's road is asked for, by a flag or by whoever traces its caller."""
    asked = getattr(options, "trace", None) or getattr(options, "trace_file", None)
    return bool(asked) or "TRACEPARENT" in os.environ


_NOT_YET = {
    *"build builder buildx checkpoint compose config context manifest node plugin secret".split(),
    *"service stack swarm trust".split(),
    "image build",
    "volume update",
}
"""docker's commands that runner has not got: no typing mistakes."""


def _without_command(words: list[str], known: table.Table) -> int:
    """No command, a group alone, help, or something unknown."""
    if not_yet := _NOT_YET & {" ".join(words[:1]), " ".join(words[:2])}:
        raise _not_yet(not_yet.pop())
    if words[:1] == ["help"]:
        return _help_about(words[1:], known)
    if words and words[0] in known.groups:
        use = f"{words[0]} {known.groups[words[0]]}".strip()
        return _unknown(words[0], _words_only(use), words[1:], f"\n\nUsage:  {pflag.PROGRAM} {use}")
    return _unknown("", _words_only(_USAGE, _GLOBAL.flags), words)


def _not_yet(path: str) -> pflag.UsageError:
    where = f"{pflag.PROGRAM} {path}".rpartition(" ")[0]
    return pflag.UsageError(
        f"{pflag.PROGRAM}: '{pflag.PROGRAM} {path}' is not supported yet\n\n"
        f"Run '{where} --help' for what is",
        1,
    )


def _words_only(use: str, flags: tuple[tuple[Any, ...], ...] = ()) -> pflag.Command:
    return pflag.Command("", use, True, flags, (("words", "many"),))


def _unknown(path: str, command: pflag.Command, argv: list[str], usage: str = "") -> int:
    """Help where it is asked for or nothing is; else the error says which word is not known."""
    try:
        words = pflag.parse(path, command, argv, say).words
    except pflag.HelpRequested:
        return _help(path)
    if not words:
        return _help(path, warn)
    where = f"{pflag.PROGRAM} {path}".strip()
    raise pflag.UsageError(
        f"{pflag.PROGRAM}: unknown command: {where} {words[0]}{usage}\n\n"
        f"Run '{where} --help' for more information",
        1,
    )


def _help_about(words: list[str], known: table.Table) -> int:
    """`help WORDS` (docker/cli setupHelpCommand)."""
    try:
        words = pflag.parse("help", _words_only("help [command]"), words, say).words
    except pflag.HelpRequested:
        words = []
    path, count = "", 0
    if found := known.find(words):
        path, _, count = found
    elif words and words[0] in known.groups:
        path, count = words[0], 1
    if words[count:]:
        raise CliError(f"unknown help topic: {' '.join(words[count:])}")
    return _help(path)


def _help(path: str, tell: Callable[[str], None] = say) -> int:
    from runner.cli import helptext

    tell(helptext.page(path))
    return 0


def _typer(argv: list[str]) -> int:
    """Completion is typer's."""
    from runner.cli import app

    return app.run(argv)
