"""`logs`."""

from __future__ import annotations

from runner.client import containers, output
from runner.client.errors import ClientError
from runner.client.streams import Demultiplexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.container import LogsOptions
    from runner.client.client import Query


def run(context: Context, options: LogsOptions) -> int:
    """Print what a container has written, to the streams that it was written to."""
    client = context.client()
    container = containers.inspect(client, options.container)
    response = containers.logs(client, container["Id"], _query(options))
    frames = None if container["Config"]["Tty"] else Demultiplexer()
    output.flush()
    for chunk in response.chunks():
        output.deliver(frames.feed(chunk) if frames else [(1, chunk)])
    return 0


def _query(options: LogsOptions) -> Query:
    query: Query = {"stdout": "1", "stderr": "1", "tail": options.tail}
    for name in ("follow", "timestamps", "details"):
        if getattr(options, name):
            query[name] = "1"
    for name in ("since", "until"):
        given = getattr(options, name)
        if given:
            query[name] = _timestamp(name, given)
    return query


def _timestamp(name: str, text: str) -> str:
    from runner.cli.values.dates import timestamp

    try:
        return timestamp(text)
    except ValueError as err:
        raise ClientError(f'invalid value for "{name}": {err}') from None
