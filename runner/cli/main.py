"""The program: global flags, the command, its errors as text and exit code."""

from __future__ import annotations

import gc
import os
import sys

from runner import __version__
from runner.cli import pflag, table
from runner.cli.context import Context, say, warn
from runner.cli.errors import CliError, describe, os_error
from runner.client.output import OutputClosed
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

_COMPLETION = ("--install-completion", "--show-completion")
_USAGE = "[OPTIONS] COMMAND [ARG...]"
_GLOBAL = pflag.Command(
    "",
    _USAGE,
    False,
    (
        ("host", ("--host",), "-H", "value", "", None),
        ("tls", ("--tls",), "", "bool", "", False),
        ("tlsverify", ("--tlsverify",), "", "bool", "", None),
        ("tlscacert", ("--tlscacert",), "", "value", "", None),
        ("tlscert", ("--tlscert",), "", "value", "", None),
        ("tlskey", ("--tlskey",), "", "value", "", None),
        ("version", ("--version",), "-v", "bool", "", False),
    ),
    (("words", "many"),),
)


def main() -> NoReturn:
    """The console script. Does not return: tearing the interpreter down would take longer."""
    gc.disable()  # nothing here lives long enough to be worth collecting
    _open_standard_descriptors()
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        _die_of_broken_pipe()
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


def printing_errors(work: Callable[[], int]) -> int:
    """What `work` returns, or the exit code of its error."""
    try:
        return work()
    except pflag.UsageError as err:
        warn(str(err))
        return err.code
    except OutputClosed as err:
        warn(str(err))
        return 1
    except CliError as err:
        if err.message:
            warn(err.message)
        return err.code
    except RunnerError as err:
        warn(describe(err))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _die_of_broken_pipe()
    except OSError as err:
        warn(os_error(err))
        return 1


def _run(argv: list[str]) -> int:
    if "_RUNNER_COMPLETE" in os.environ or (argv and argv[0] in _COMPLETION):
        return _typer(argv)
    try:
        options = pflag.parse("", _GLOBAL, argv, say)
    except pflag.HelpRequested:
        return _help([])
    if options.version:
        say(f"runner version {__version__}")
        return 0
    words: list[str] = options.words
    known = table.load()
    found = known.find(words)
    if found is None:
        return _without_command(words, known.groups)
    path, command, count = found
    try:
        parsed = pflag.parse(path, command, words[count:], say)
    except pflag.HelpRequested:
        return _help(words[:count])
    context = _context(options)
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


def _context(options: pflag.Options) -> Context:
    environment = os.environ
    verify = options.tlsverify
    if verify is None:
        verify = bool(environment.get("RUNNER_TLS_VERIFY"))
    if not (options.tls or verify):
        return Context(options.host or "")
    from runner.client.tls import TLSFiles

    folder = environment.get("RUNNER_CERT_PATH", os.path.expanduser("~/.runner"))  # noqa: PTH111
    files = TLSFiles(
        ca=(options.tlscacert or f"{folder}/ca.pem") if verify else "",
        cert=options.tlscert or _if_there(f"{folder}/cert.pem"),
        key=options.tlskey or _if_there(f"{folder}/key.pem"),
    )
    return Context(options.host or "", files)


def _if_there(path: str) -> str:
    return path if os.access(path, os.R_OK) else ""


_NOT_YET = (
    "build builder buildx compose config context history login logout manifest network plugin push"
    " rmi save search secret service stack swarm trust"
).split()
"""docker's commands that runner has not got: no typing mistakes."""


def _without_command(words: list[str], groups: tuple[str, ...]) -> int:
    """No command, a group alone, help, completion, or something unknown."""
    if not words or words[0] == "help" or words in ([group] for group in groups):
        return _help(words[1:] if words[:1] == ["help"] else words)
    group = words[0] if words[0] in groups else ""
    if group and words[1] in ("--help", "-h"):
        return _help([group])
    if group and words[1].startswith("-"):
        raise pflag.UsageError(
            f"unknown flag: {words[1]}\n\nUsage:  {pflag.PROGRAM} {group}\n\n"
            f"Run '{pflag.PROGRAM} {group} --help' for more information",
            125,
        )
    where = f"{pflag.PROGRAM} {group}".strip()
    usage = f"\n\nUsage:  {where}" if group else ""
    unknown = words[1] if group else words[0]
    if not group and unknown in _NOT_YET:
        raise pflag.UsageError(
            f"{pflag.PROGRAM}: '{where} {unknown}' is not supported yet\n\n"
            f"Run '{where} --help' for what is",
            1,
        )
    raise pflag.UsageError(
        f"{pflag.PROGRAM}: unknown command: {where} {unknown}{usage}\n\n"
        f"Run '{where} --help' for more information",
        1,
    )


def _help(words: list[str]) -> int:
    return _typer([*words, "--help"])


def _typer(argv: list[str]) -> int:
    """Help and completion are typer's."""
    from runner.cli import app

    return app.run(argv)


def _die_of_broken_pipe() -> NoReturn:
    """End as a program does that never heard of SIGPIPE."""
    import signal

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    os._exit(1)
