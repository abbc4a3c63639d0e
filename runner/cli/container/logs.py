"""`logs`."""

from __future__ import annotations

import time

from runner.cli.values.numbers import duration
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
    """Seconds since the epoch, from a date or from how long ago (docker timetypes.GetTimestamp)."""
    try:
        ago = duration(text)
    except ValueError:
        pass
    else:
        nanoseconds = time.time_ns() - ago
        return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"
    if text.replace(".", "", 1).isdigit():
        return text
    from runner.cli.values.dates import parse

    try:
        return parse(text)
    except ValueError as err:
        raise ClientError(f'invalid value for "{name}": {err}') from None
