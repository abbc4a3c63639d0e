"""`ps` (moby daemon/list.go)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.engine import network_settings, sizes
from runner.engine.state import Status, describe
from runner.types import times
from runner.types.container import HostConfigSummary, NetworkSettingsSummary, Summary
from runner.types.errors import InvalidParameter, NotFound
from runner.types.gotext import atoi

if TYPE_CHECKING:
    from runner.engine.container import Container
    from runner.engine.engine import Engine

_FILTERS = frozenset(
    {"ancestor", "before", "exited", "expose", "health", "id", "isolation", "is-task", "label"}
    | {"name", "network", "publish", "since", "status", "volume"}
)
_HEALTH = ("starting", "healthy", "unhealthy", "none")

Test = Callable[["Container"], bool]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What to list: `limit` of the newest, running or not, when positive."""

    all: bool = False
    limit: int = 0
    size: bool = False
    filters: dict[str, list[str]] = field(default_factory=dict)


async def containers(engine: Engine, options: ListOptions) -> list[Summary]:
    """The containers that pass the filters, newest first (moby Containers).

    Raises InvalidParameter for an unknown filter or a value that it cannot have, NotFound for a
    `before` or `since` container.
    """
    tests = await _tests(engine, options.filters)
    shown = [
        container
        for container in sorted(engine.containers, key=_age, reverse=True)
        if all(test(container) for test in tests)
    ]
    if not (options.all or options.limit > 0 or _implies_all(options.filters)):
        shown = [container for container in shown if container.state.running]
    if options.limit > 0:
        shown = shown[: options.limit]
    names = _ImageNames(engine)
    return [await _summary(engine, container, names, size=options.size) for container in shown]


def _age(container: Container) -> int:
    return times.parse_ns(container.record.created)


def _implies_all(filters: dict[str, list[str]]) -> bool:
    return any(filters.get(name) for name in ("status", "exited", "before", "since"))


async def _summary(
    engine: Engine, container: Container, names: _ImageNames, *, size: bool
) -> Summary:
    record = container.record
    settings = network_settings.inspect(container)
    size_rw, size_root_fs = await sizes.of(engine, container) if size else (0, 0)
    return Summary(
        id=record.id,
        names=[f"/{record.name}"],
        image=await names.of(container),
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


async def _tests(engine: Engine, filters: dict[str, list[str]]) -> list[Test]:
    """A test for each filter; a container must pass them all, with any value of each."""
    tests: list[Test] = []
    for name, values in filters.items():
        if name not in _FILTERS:
            raise InvalidParameter(f"invalid filter '{name}'")
        if values:
            tests.append(await _test(engine, name, values))
    return tests


async def _test(engine: Engine, name: str, values: list[str]) -> Test:
    match name:
        case "id":
            return lambda item: any(item.id.startswith(value) for value in values)
        case "name":
            return lambda item: any(_names_match(item.name, value) for value in values)
        case "label":
            return lambda item: all(_has_label(item, value) for value in values)
        case "status":
            return _status_test(values)
        case "exited":
            return _exited_test(values)
        case "before" | "since":
            return _age_test(engine, name, values)
        case "ancestor":
            return await _ancestor_test(engine, values)
        case "network":
            return lambda item: any(network_settings.is_on(item, value) for value in values)
        case "volume":
            return lambda item: any(_has_mount(item, value) for value in values)
        case "publish" | "expose":
            return _port_test(name, values)
        case "health":
            return _health_test(values)
        case _:  # isolation and is-task tell nothing apart on Linux without swarm
            return lambda item: True


def _names_match(name: str, pattern: str) -> bool:
    try:
        return re.search(pattern, name) is not None or re.search(pattern, f"/{name}") is not None
    except re.error:
        return pattern == name


def _has_label(container: Container, wanted: str) -> bool:
    labels = container.config.labels or {}
    key, separator, value = wanted.partition("=")
    return labels.get(key) == value if separator else key in labels


def _status_test(values: list[str]) -> Test:
    known = [status.value for status in Status]
    for value in values:
        if value not in known:
            raise InvalidParameter(
                f"invalid filter 'status={value}': invalid value for state ({value}):"
                f" must be one of {', '.join(known)}"
            )
    return lambda item: item.state.status in values


def _exited_test(values: list[str]) -> Test:
    codes = {_exit_code(value) for value in values}
    return lambda item: not item.state.running and item.state.exit_code in codes


def _exit_code(value: str) -> int:
    try:
        return atoi(value)
    except ValueError as err:
        raise InvalidParameter(f"invalid filter 'exited={value}': {err}") from err


def _age_test(engine: Engine, name: str, values: list[str]) -> Test:
    limits = [_age(engine.containers.get(value)) for value in values]
    if name == "before":
        return lambda item: _age(item) < min(limits)
    return lambda item: _age(item) > max(limits)


async def _ancestor_test(engine: Engine, values: list[str]) -> Test:
    wanted = set(values)
    for value in values:
        try:
            wanted.add((await engine.images.resolve(value)).target.digest)
        except (NotFound, InvalidParameter):
            continue
    return lambda item: item.record.image_id in wanted


def _has_mount(container: Container, wanted: str) -> bool:
    return any(
        wanted in (point.name, point.destination)
        for point in container.record.mount_points.values()
    )


def _port_test(name: str, values: list[str]) -> Test:
    wanted = {_port_of(value) for value in values}
    if name == "expose":
        return lambda item: any(
            _port_of(port) in wanted for port in item.config.exposed_ports or {}
        )
    return lambda item: any(
        (str(port.public_port), port.type) in wanted
        or (str(port.private_port), port.type) in wanted
        for port in network_settings.ports(item)
        if port.public_port
    )


def _port_of(text: str) -> tuple[str, str]:
    port, _, protocol = text.partition("/")
    return port, protocol or "tcp"


def _health_test(values: list[str]) -> Test:
    for value in values:
        if value not in _HEALTH:
            raise InvalidParameter(f"invalid filter 'health={value}'")
    return lambda item: "none" in values
