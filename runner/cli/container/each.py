"""One request for each of several containers, told in the order they were named.

`for_each` is docker/cli's parallelOperation, without threads: the requests go out together on
connections of their own, the answers are read one after the other.
"""

from __future__ import annotations

from runner.cli.context import say
from runner.cli.errors import CliError, describe
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.client.client import EngineClient
    from runner.client.transport import Connection

_AT_ONCE = 50


def for_each(
    client: EngineClient,
    names: list[str],
    send: Callable[[str], Connection],
    forgive: Callable[[RunnerError], bool] = lambda _error: False,
) -> int:
    """Print each name that succeeded. Raises CliError with all errors that are not forgiven."""
    failures: list[str] = []
    for start in range(0, len(names), _AT_ONCE):
        batch = names[start : start + _AT_ONCE]
        sent = [_attempt(send, name) for name in batch]
        for name, connection in zip(batch, sent, strict=True):
            try:
                if isinstance(connection, RunnerError):
                    raise connection
                client.finish(connection)
            except RunnerError as err:
                if not forgive(err):
                    failures.append(describe(err))
                continue
            say(name)
    if failures:
        raise CliError("\n".join(failures))
    return 0


def one_by_one(names: list[str], act: Callable[[str], str]) -> int:
    """Print what `act` says of each, one after the other. Raises CliError with all errors."""
    failures: list[str] = []
    for name in names:
        try:
            said = act(name)
        except RunnerError as err:
            failures.append(describe(err))
            continue
        say(said)
    if failures:
        raise CliError("\n".join(failures))
    return 0


def _attempt(send: Callable[[str], Connection], name: str) -> Connection | RunnerError:
    try:
        return send(name)
    except RunnerError as err:
        return err
