"""`attach` (docker/cli RunAttach)."""

from __future__ import annotations

from runner.cli.container.foreground import Foreground, Streams, check_terminal
from runner.cli.errors import CliError
from runner.client import containers
from runner.client.attach import Detached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import AttachOptions


def run(context: Context, options: AttachOptions) -> int:
    """Attach to a running container; the exit code is the container's."""
    client, name = context.client(), options.container
    config = _running(containers.inspect(client, name))["Config"]
    check_terminal(stdin=not options.no_stdin, tty=config["Tty"])
    waiting = containers.send_wait(client, name, "")
    exit_answer = containers.receive_wait(client, waiting)
    streams = Streams(
        stdin=not options.no_stdin and config["OpenStdin"],
        tty=config["Tty"],
        detach_keys=options.detach_keys or "",
    )
    connection = containers.receive_upgraded(
        client, containers.send_attach(client, name, streams.query())
    )
    # It may have stopped in between, and then nothing would ever end the stream.
    _running(containers.inspect(client, name))
    proxied = options.sig_proxy and not config["Tty"]
    foreground = Foreground(client, name, streams, proxy_signals=proxied)
    status = foreground.join(connection, exit_answer)
    if status is None:
        raise Detached
    return status


def _running(container: dict[str, Any]) -> dict[str, Any]:
    state = container["State"]
    if not state["Running"]:
        raise CliError("You cannot attach to a stopped container, start it first")
    if state["Paused"]:
        raise CliError("You cannot attach to a paused container, unpause it first")
    if state["Restarting"]:
        raise CliError("You cannot attach to a restarting container, wait until it is running")
    return container
