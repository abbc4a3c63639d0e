"""`ps` (moby daemon/list.go)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.engine import network_settings
from runner.engine.sizes import Sizes
from runner.engine.state import Status, describe
from runner.types import filters, times
from runner.types.container import HostConfigSummary, NetworkSettingsSummary, Summary
from runner.types.errors import InvalidParameter, NotFound, RunnerError
from runner.types.gotext import atoi, parse_uint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.engine.container import Container
    from runner.engine.engine import Engine
    from runner.types.filters import Filters

log = logging.getLogger(__name__)

_ACCEPTED: Final = frozenset(
    {"ancestor", "before", "exited", "expose", "health", "id", "isolation", "is-task", "label"}
    | {"name", "network", "publish", "since", "status", "volume"}
)
_HEALTH: Final = ("none", "starting", "healthy", "unhealthy")
_PORT_BITS: Final = 16


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What to list: `limit` of the newest, running or not, when positive."""

    all: bool = False
    limit: int = 0
    size: bool = False
    filters: Filters = field(default_factory=dict)


async def containers(engine: Engine, options: ListOptions) -> list[Summary]:
    """The containers that pass the filters, newest first (moby Containers).

    Raises InvalidParameter for an unknown filter or a value that it cannot have, NotFound for a
    `before` or `since` container, RunnerError for ports that are none.
    """
    filters.validate(options.filters, _ACCEPTED)
    folded = await _fold(engine, options.filters)
    shown = list(_included(engine, options, folded))
    names, sizes = _ImageNames(engine), Sizes(engine)
    measured = await sizes.of_all(shown) if options.size else [(0, 0)] * len(shown)
    return [
        _summary(container, await names.of(container), *size)
        for container, size in zip(shown, measured, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Folded:
    """What the filters come to, looked up once (moby listContext).

    `before` and `since` are IDs, or empty; `images` is None when no ancestor was asked for.
    """

    exit_codes: frozenset[int]
    is_task: bool | None
    before: str
    since: str
    images: frozenset[str] | None
    published: frozenset[str]
    exposed: frozenset[str]


async def _fold(engine: Engine, chosen: Filters) -> _Folded:
    """moby foldFilter, in whose order the errors come."""
    exit_codes = frozenset(map(_exit_code, chosen.get("exited", ())))
    _check_values(chosen, "status", "state", [status.value for status in Status])
    is_task = filters.boolean(chosen, "is-task")
    _check_values(chosen, "health", "health", _HEALTH)
    return _Folded(
        exit_codes=exit_codes,
        is_task=is_task,
        before=_last_id(engine, chosen.get("before", ())),
        since=_last_id(engine, chosen.get("since", ())),
        images=await _images(engine, chosen["ancestor"]) if "ancestor" in chosen else None,
        published=frozenset(_ports("publish", chosen)),
        exposed=frozenset(_ports("expose", chosen)),
    )


def _exit_code(value: str) -> int:
    try:
        return atoi(value)
    except ValueError as err:
        raise InvalidParameter(f"invalid filter 'exited={value}': {err}") from err


def _check_values(chosen: Filters, name: str, what: str, known: Sequence[str]) -> None:
    for value in chosen.get(name, ()):
        if value not in known:
            raise InvalidParameter(
                f"invalid filter '{name}={value}': invalid value for {what} ({value}):"
                f" must be one of {', '.join(known)}"
            )


def _last_id(engine: Engine, values: Sequence[str]) -> str:
    """The container named last, by its whole ID or its name (moby idOrNameFilter)."""
    found = ""
    for value in values:
        name = value.removeprefix("/")
        matches = [item.id for item in engine.containers if value == item.id or name == item.name]
        if not matches:
            raise NotFound(f"No such container: {value}")
        found = matches[0]
    return found


async def _images(engine: Engine, values: Sequence[str]) -> frozenset[str]:
    """The IDs of the images named, and of those made from them (populateImageFilterByParents)."""
    found: set[str] = set()
    for value in values:
        try:
            image = await engine.images.resolve(value)
        except (NotFound, InvalidParameter):
            log.warning("Error while looking up for image %s", value)
            continue
        waiting = [image.target.digest]
        while waiting:
            image_id = waiting.pop()
            if image_id not in found:
                found.add(image_id)
                waiting += await engine.images.children(image_id)
    return frozenset(found)


def _ports(name: str, chosen: Filters) -> Iterator[str]:
    """`80/tcp` of `80`, `80/tcp`, `80-90/udp`… (moby portOp)."""
    for value in chosen.get(name, ()):
        if ":" in value:
            raise RunnerError(f"filter for '{name}' should not contain ':': {value}")
        ports, _, rest = value.partition("/")
        protocol = rest.partition("/")[0] or "tcp"
        try:
            first, last = _port_range(ports)
        except ValueError as err:
            raise RunnerError(f"error while looking up for {name} {value}: {err}") from err
        yield from (f"{port}/{protocol}" for port in range(first, last + 1))


def _port_range(text: str) -> tuple[int, int]:
    """A third number is not looked at (nat.ParsePortRange)."""
    if not text:
        raise ValueError("empty string specified for ports")
    first, *others = (parse_uint(part, _PORT_BITS) for part in text.split("-")[:2])
    last = others[0] if others else first
    if last < first:
        raise ValueError(f"invalid range specified for port: {text}")
    return first, last


def _included(engine: Engine, options: ListOptions, folded: _Folded) -> Iterator[Container]:
    """moby includeContainerInList for each container, the newest first.

    `before` lets those pass that come after its container, `since` those before its; should that
    container be left out by name or ID, none comes after it.
    """
    everything = options.all or options.limit > 0 or bool(options.filters.get("status"))
    waiting, count = folded.before, 0
    for container in _candidates(engine, options.filters):
        if waiting:
            waiting = "" if container.id == waiting else waiting
            continue
        if container.id == folded.since or 0 < options.limit == count:
            return
        if (everything or container.state.running) and _passes(container, options.filters, folded):
            count += 1
            yield container


def _candidates(engine: Engine, chosen: Filters) -> list[Container]:
    """All that have the names and the beginning of the ID (moby filterByNameIDMatches)."""
    found = [
        container
        for container in engine.containers
        if filters.pattern(chosen, "name", container.name)
        or filters.pattern(chosen, "name", f"/{container.name}")
    ]
    if ids := chosen.get("id"):
        known = [container.id for container in engine.containers]
        meant = {matches[0] for value in ids if len(matches := _beginning(known, value)) == 1}
        found = [container for container in found if container.id in meant]
    return sorted(found, key=lambda item: times.parse_ns(item.record.created), reverse=True)


def _beginning(ids: Sequence[str], prefix: str) -> list[str]:
    """The IDs that the prefix could mean; an empty one means none."""
    return [each for each in ids if prefix and each.startswith(prefix)]


def _passes(container: Container, chosen: Filters, folded: _Folded) -> bool:
    """Whether it passes all filters, with any value of each."""
    return (
        not folded.is_task  # only swarm's containers are tasks
        and filters.labels(chosen, "label", container.config.labels or {})
        and (not folded.exit_codes or _has_exited(container, folded.exit_codes))
        and filters.exact(chosen, "status", container.state.status)
        and filters.exact(chosen, "health", _health(container))
        and ("volume" not in chosen or _has_mount(container, chosen["volume"]))
        and (folded.images is None or container.record.image_id in folded.images)
        and ("network" not in chosen or _is_on_network(container, chosen["network"]))
        and _has_ports(container, folded)
    )


def _has_exited(container: Container, codes: frozenset[int]) -> bool:
    state = container.state
    was_started = state.started_at != times.ZERO_TIME
    return not state.running and was_started and state.exit_code in codes


def _health(container: Container) -> str:
    health = container.state.inspect().health
    return health.status if health else "none"


def _has_mount(container: Container, wanted: Sequence[str]) -> bool:
    """By the place in the container, the volume's name, or the source of what is no volume."""
    return any(
        value in (point.destination, point.name or point.source)
        for point in container.record.mount_points.values()
        for value in wanted
    )


def _is_on_network(container: Container, wanted: Sequence[str]) -> bool:
    """By name or the beginning of the ID, which one that was never started has not got yet."""
    return any(
        value == name or place.network_id.startswith(value)
        for name, place in container.record.network_settings.networks.items()
        for value in wanted
    )


def _has_ports(container: Container, folded: _Folded) -> bool:
    """Any that is published or exposed as asked; both are a running container's only."""
    return not (folded.published or folded.exposed) or any(
        f"{port.public_port}/{port.type}" in folded.published
        or f"{port.private_port}/{port.type}" in folded.exposed
        for port in network_settings.ports(container)
    )


def _summary(container: Container, image: str, size_rw: int, size_root_fs: int) -> Summary:
    record = container.record
    settings = network_settings.inspect(container)
    return Summary(
        id=record.id,
        names=[f"/{record.name}"],
        image=image,
        image_id=record.image_id,
        command=_command(record.path, record.args),
        created=times.parse_ns(record.created) // 1_000_000_000,
        ports=network_settings.ports(container),
        labels=record.config.labels or {},
        state=record.state.status,
        status=describe(record.state),
        host_config=HostConfigSummary(
            network_mode=record.host_config.network_mode,
            annotations=record.host_config.annotations,
        ),
        network_settings=NetworkSettingsSummary(networks=settings.networks),
        mounts=[point.view() for point in record.mount_points.values()],
        size_rw=size_rw,
        size_root_fs=size_root_fs,
        image_manifest_descriptor=record.image_manifest,
    )


def _command(path: str, args: list[str]) -> str:
    """The command line; arguments with a space are quoted, as moby does."""
    return " ".join([path, *(f"'{arg}'" if " " in arg else arg for arg in args)])


class _ImageNames:
    """What containers' images are called now, each name looked up once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ids: dict[str, str] = {}

    async def of(self, container: Container) -> str:
        """The name it was made from, or the image's ID once the name means another image."""
        name, image_id = container.config.image, container.record.image_id
        if name not in self._ids:
            self._ids[name] = await self._resolve(name)
        return name if self._ids[name] == image_id else image_id

    async def _resolve(self, name: str) -> str:
        try:
            return (await self._engine.images.resolve(name)).target.digest
        except (NotFound, InvalidParameter):
            return ""
