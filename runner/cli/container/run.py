"""`run`: create, attach, wait, start (docker/cli runContainer)."""

from __future__ import annotations

from runner.cli.container.create import create_container, make_body
from runner.cli.container.foreground import (
    Foreground,
    StartRefused,
    Streams,
    await_removal,
    check_terminal,
)
from runner.cli.context import say
from runner.cli.errors import CliError, run_error
from runner.client import containers
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import RunOptions
    from runner.client.client import EngineClient


def run(context: Context, options: RunOptions) -> int:
    """Run a container; the exit code is its own, 0 when left running."""
    body = make_body("run", options, options.image, options.command or [])
    if options.detach:
        _detach(options, body)
    else:
        check_terminal(stdin=body.get("AttachStdin", False), tty=options.tty)
    client = context.client()
    try:
        container = create_container(client, options, body)
    except RunnerError as err:
        raise run_error(err) from err
    streams = _streams(options, body)
    if streams is None:
        return _start_detached(client, container, options)
    return _run_attached(client, container, streams, options)


def _detach(options: RunOptions, body: dict[str, Any]) -> None:
    if options.attach:
        raise CliError("conflicting options: cannot specify both --attach and --detach")
    for stream in ("AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"):
        body.pop(stream, None)


def _streams(options: RunOptions, body: dict[str, Any]) -> Streams | None:
    stdin, stdout, stderr = (
        bool(body.get(f"Attach{name}")) for name in ("Stdin", "Stdout", "Stderr")
    )
    if not (stdin or stdout or stderr):
        return None
    return Streams(
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        tty=options.tty,
        detach_keys=options.detach_keys or "",
    )


def _start_detached(client: EngineClient, container: str, options: RunOptions) -> int:
    """The ID is printed before the start: whoever waits for it may be needed to make it go on."""
    say(container)
    try:
        containers.start(client, container)
    except RunnerError as err:
        if options.rm:
            await_removal(client, container)
        raise run_error(err) from err
    return 0


def _run_attached(
    client: EngineClient, container: str, streams: Streams, options: RunOptions
) -> int:
    foreground = Foreground(client, container, streams, proxy_signals=options.sig_proxy)
    try:
        status = foreground.start("removed" if options.rm else "next-exit")
    except StartRefused as refusal:
        if options.rm:
            await_removal(client, container)
        raise run_error(refusal.error) from refusal
    return status or 0
