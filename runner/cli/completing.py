"""The names that a shell completes: those that the engine has (docker/cli cli/command/completion).

Asking starts no engine, and where none answers there is nothing to choose from.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - it reads the annotations itself

from runner.cli import globalflags, pflag
from runner.client import containers, images, networks, volumes
from runner.client.address import DEFAULT_HOST
from runner.client.client import EngineClient
from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import NoReturn

    Names = Callable[[EngineClient], Iterable[str]]

_STATES = frozenset("created running paused restarting removing exited dead".split())


def _containers(*, all: bool = True, states: Collection[str] = _STATES) -> Names:  # noqa: A002
    """Their names, without those that links have given them."""

    def names(client: EngineClient) -> Iterable[str]:
        for found in containers.list_containers(client, {"all": "1"} if all else {}):
            if found["State"] in states:
                yield from (name[1:] for name in found["Names"] if "/" not in name[1:])

    return names


def _images(client: EngineClient) -> Iterable[str]:
    for found in images.list_images(client, {}):
        yield from found["RepoTags"] or ()


def _networks(client: EngineClient) -> Iterable[str]:
    return (found["Name"] for found in networks.list_networks(client, ""))


def _volumes(client: EngineClient) -> Iterable[str]:
    return (found["Name"] for found in volumes.list_volumes(client, ""))


def _anything(client: EngineClient) -> Iterable[str]:
    for names in (_containers(), _images, _networks, _volumes):
        yield from names(client)


SECONDS = 5
"""The longest that a shell waits for an engine that keeps silent."""
_STOPPED = "stopped container"
KINDS: dict[str, Names] = {
    "container": _containers(),
    "running container": _containers(all=False),
    "container that is not paused": _containers(all=False, states=_STATES - {"paused"}),
    "paused container": _containers(all=False, states={"paused"}),
    _STOPPED: _containers(states={"created", "exited"}),
    "image": _images,
    "network": _networks,
    "volume": _volumes,
    "anything": _anything,
}


def flags_of(ctx: typer.Context) -> pflag.Options:
    """The flags that came before the command."""
    return pflag.Options(**ctx.find_root().params)


def completer(kind: str) -> Callable[[typer.Context, str], list[str]]:
    """What typer asks for an argument that names one of these."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        by_force = kind == _STOPPED and ctx.params.get("force")  # then rm takes what runs too
        names = KINDS["container" if by_force else kind]
        context = globalflags.context(flags_of(ctx))
        named = _named(ctx)
        try:
            with _time_limit(SECONDS):
                found = list(names(EngineClient(context.host or DEFAULT_HOST, tls=context.tls)))
        except (RunnerError, OSError):
            return []
        return [name for name in found if name.startswith(incomplete) and name not in named]

    return complete


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
