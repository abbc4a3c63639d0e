"""`start` (docker/cli RunStart)."""

from __future__ import annotations

from runner.cli.container.foreground import Foreground, StartRefused, Streams, await_removal
from runner.cli.context import say, warn
from runner.cli.errors import CliError, describe
from runner.client import containers
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import StartOptions
    from runner.client.client import EngineClient


def run(context: Context, options: StartOptions) -> int:
    """Start containers and print their names; attached, the exit code is the container's."""
    _refuse_checkpoints(options)
    client = context.client()
    if not (options.attach or options.interactive):
        return _start_all(client, options.containers)
    if len(options.containers) > 1:
        raise CliError("you cannot start and attach multiple containers at once")
    return _start_attached(client, options.containers[0], options)


def _refuse_checkpoints(options: StartOptions) -> None:
    """docker refuses them unless its engine is an experimental one, and so must runner's."""
    given = {"--checkpoint": options.checkpoint, "--checkpoint-dir": options.checkpoint_dir}
    refused = [
        f'"{flag}" is only supported on a Docker daemon with experimental features enabled'
        for flag, value in given.items()
        if value is not None
    ]
    if refused:
        raise CliError("\n".join(refused))


def _start_all(client: EngineClient, names: list[str]) -> int:
    failed = []
    for name in names:
        try:
            containers.start(client, name)
        except RunnerError as err:
            warn(describe(err))
            failed.append(name)
            continue
        say(name)
    if failed:
        raise CliError(f"Error: failed to start containers: {', '.join(failed)}")
    return 0


def _start_attached(client: EngineClient, name: str, options: StartOptions) -> int:
    container = containers.inspect(client, name)
    config, identity = container["Config"], container["Id"]
    streams = Streams(
        stdin=options.interactive and config["OpenStdin"],
        tty=config["Tty"],
        detach_keys=options.detach_keys or "",
    )
    removes_itself = container["HostConfig"]["AutoRemove"]
    foreground = Foreground(
        client, identity, streams, proxy_signals=not config["Tty"], may_leave=True
    )
    try:
        return foreground.start("removed" if removes_itself else "next-exit") or 0
    except StartRefused as refusal:
        if removes_itself:
            await_removal(client, identity)
        raise refusal.error from refusal
