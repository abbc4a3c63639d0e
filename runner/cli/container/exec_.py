"""`exec` (docker/cli RunExec)."""

from __future__ import annotations

import os

from runner.cli.container.foreground import check_terminal
from runner.cli.container.resizing import SIGWINCH, TerminalSize
from runner.cli.create import files
from runner.client import containers, execs, signals, terminal
from runner.client.attach import AttachedStreams, Detached
from runner.client.errors import ConnectionFailed
from runner.client.reactor import Reactor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.inside import ExecOptions
    from runner.client.client import EngineClient
    from runner.client.transport import Connection

_ENGINE_GONE = 255


def run(context: Context, options: ExecOptions) -> int:
    """Run a command in a running container; the exit code is the command's, 0 when detached."""
    environment = files.read(options.env_file or [], os.environ) + (options.env or [])
    client = context.client()
    # First of all: that there is no such container is told before what is wrong with stdin.
    containers.inspect(client, options.container)
    if not options.detach:
        check_terminal(stdin=options.interactive, tty=options.tty)
    size = {"ConsoleSize": [*terminal.size()]} if options.tty else {}
    identity = execs.create(client, options.container, _body(options, environment) | size)
    start = {"Detach": options.detach, "Tty": options.tty} | size
    if options.detach:
        execs.start(client, identity, start)
        return 0
    if not _stream(client, identity, execs.attach(client, identity, start), options):
        return 0
    return _exit_code(client, identity)


def _body(options: ExecOptions, environment: list[str]) -> dict[str, Any]:
    attached = not options.detach
    return {
        "User": options.user or "",
        "Privileged": options.privileged,
        "Tty": options.tty,
        "AttachStdin": attached and options.interactive,
        "AttachStdout": attached,
        "AttachStderr": attached,
        "DetachKeys": options.detach_keys or "",
        "Env": environment or None,
        "WorkingDir": options.workdir or "",
        "Cmd": options.command,
    }


def _stream(
    client: EngineClient, identity: str, connection: Connection, options: ExecOptions
) -> bool:
    """Pump until the engine ends the streams; False where a signal has ended this command.

    docker does not pass signals on: it leaves the process behind and ends with success. Raises
    Detached when the user leaves by the detach keys.
    """
    reactor = Reactor()
    size = TerminalSize(
        reactor, lambda rows, columns: execs.resize(client, identity, rows, columns)
    )
    interrupted: list[int] = []
    caught = signals.SignalCatcher(
        reactor,
        lambda number: size.follow() if number == SIGWINCH else interrupted.append(number),
    )
    streams = AttachedStreams(
        reactor,
        connection,
        tty=options.tty,
        stdin=options.interactive,
        detach_keys=options.detach_keys or "",
    )
    try:
        streams.start()
        follows = options.tty and terminal.is_terminal(0)
        caught.start({*signals.TERMINATION, *([SIGWINCH] if follows else [])})
        if follows:
            size.follow()
        reactor.run(lambda: streams.finished or streams.detached or bool(interrupted))
    finally:
        caught.stop()
        streams.stop()
    if streams.detached:
        raise Detached
    return not interrupted


def _exit_code(client: EngineClient, identity: str) -> int:
    try:
        code: int = execs.inspect(client, identity)["ExitCode"] or 0
    except ConnectionFailed:
        return _ENGINE_GONE
    return code & 0xFF
