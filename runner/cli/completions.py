"""What a shell can complete: what the engine has, and values that flags take (docker/cli
cli/command/completion, addCompletions)."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from runner.client import containers, images, networks, system, volumes
from runner.types.capabilities import KNOWN_CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.client.client import EngineClient


@dataclasses.dataclass(frozen=True)
class Line:
    """What is known while a word is typed."""

    client: EngineClient
    word: str
    """As far as it goes; a flag's value without the flag."""
    flags: Mapping[str, Any]
    """Those that stand before it."""


Choice = Callable[[Line], Iterable[str]]
"""What the word may be. One that ends in `=` or `:` is to be gone on with."""


# --- what the engine has --------------------------------------------------------------------------

_STATES: Final = frozenset("created running paused restarting removing exited dead".split())


def _containers(*, all: bool = True, states: Collection[str] = _STATES) -> Choice:  # noqa: A002
    """Their names, without those that links have given them."""

    def names(line: Line) -> Iterable[str]:
        for found in containers.list_containers(line.client, {"all": "1"} if all else {}):
            if found["State"] in states:
                yield from (name[1:] for name in found["Names"] if "/" not in name[1:])

    return names


def _images(line: Line) -> Iterable[str]:
    for found in images.list_images(line.client, {}):
        yield from found["RepoTags"] or ()


def _networks(line: Line) -> Iterable[str]:
    return (found["Name"] for found in networks.list_networks(line.client, ""))


def _volumes(line: Line) -> Iterable[str]:
    return (found["Name"] for found in volumes.list_volumes(line.client, ""))


def _anything(line: Line) -> Iterable[str]:
    for names in (_containers(), _images, _networks, _volumes):
        yield from names(line)


def _to_be_removed(line: Line) -> Iterable[str]:
    """By force `rm` takes what runs, too."""
    stopped = _containers(states={"created", "exited"})
    return (_containers() if line.flags.get("force") else stopped)(line)


def _plugins(kind: str) -> Choice:
    """Drivers that the engine has."""
    return lambda line: system.info(line.client)["Plugins"][kind]


NAMES: Final[dict[str, Choice]] = {
    "container": _containers(),
    "running container": _containers(all=False),
    "container that is not paused": _containers(all=False, states=_STATES - {"paused"}),
    "paused container": _containers(all=False, states={"paused"}),
    "stopped container": _to_be_removed,
    "image": _images,
    "network": _networks,
    "volume": _volumes,
    "anything": _anything,
}
"""By what the argument of a command names."""


# --- what flags take ------------------------------------------------------------------------------


def _one_of(*values: str) -> Choice:
    return lambda _: values


def _keyed(**choices: Choice) -> Choice:
    """`key=value`: first the key, then what there is for it."""

    def values(line: Line) -> Iterable[str]:
        key, given, _ = line.word.partition("=")
        if not given:
            return [f"{each}=" for each in choices]
        return (f"{key}={value}" for value in choices.get(key, _one_of())(line))

    return values


def _or_a_containers(*others: str) -> Choice:
    """A namespace: one of its own kind, or that of a container."""

    def values(line: Line) -> Iterable[str]:
        if line.word.startswith("container:"):
            return (f"container:{name}" for name in _containers()(line))
        return ["container:", *others]

    return values


def _links(line: Line) -> Iterable[str]:
    return (f"{name}:" for name in _containers()(line))


def _environment(_: Line) -> Iterable[str]:
    """Names only: a variable that is named alone is taken from here."""
    return os.environ


def _log_options(line: Line) -> Iterable[str]:
    """Those of the driver, if it is known."""
    options = _LOG_OPTIONS.get(line.flags.get("log_driver") or "")
    known = {each: None for text in _LOG_OPTIONS.values() for each in text.split()}
    return (f"{option}=" for option in (known if options is None else options.split()))


_LOG_OPTIONS: Final = {
    "journald": "env env-regex labels labels-regex tag mode max-buffer-size",
    "json-file": "max-size max-file compress env env-regex labels labels-regex tag mode"
    " max-buffer-size",
    "local": "max-size max-file compress mode max-buffer-size",
    "none": "",
    "syslog": "syslog-address syslog-facility syslog-format syslog-tls-ca-cert syslog-tls-cert"
    " syslog-tls-key syslog-tls-skip-verify env env-regex labels labels-regex tag mode"
    " max-buffer-size",
}
_SIGNALS: Final = _one_of(*(each.name for each in signal.Signals))
_CAPABILITIES: Final = _one_of("ALL", *KNOWN_CAPABILITIES)
_PLATFORMS: Final = _one_of(
    *(f"linux/{name}" for name in "386 amd64 arm arm/v5 arm/v6 arm/v7 arm64 arm64/v8".split()),
    *(f"linux/{name}" for name in "ppc64le riscv64 s390x".split()),
)
_EVENTS: Final = (
    "archive-path attach commit connect copy create delete destroy detach die disconnect"
    " exec_create exec_detach exec_die exec_start export extract-to-dir health_status import kill"
    " load mount oom pause prune pull push reload remove rename resize restart save start stop tag"
    " top unmount unpause untag update"
)
_LIMITS: Final = (
    "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending"
    " stack"
)

VALUES: Final[dict[str, Choice]] = {
    "attach": _one_of("stdin", "stdout", "stderr"),
    "cap_add": _CAPABILITIES,
    "cap_drop": _CAPABILITIES,
    "cgroupns": _one_of("host", "private"),
    "env": _environment,
    "ipc": _or_a_containers("host", "none", "private", "shareable"),
    "link": _links,
    "log_driver": _plugins("Log"),
    "log_opt": _log_options,
    "network": _networks,
    "pid": _or_a_containers("host"),
    "platform": _PLATFORMS,
    "pull": _one_of("always", "missing", "never"),
    "restart": _one_of("no", "always", "on-failure", "unless-stopped"),
    "security_opt": _one_of(
        *("apparmor=", "label=", "no-new-privileges", "seccomp=", "seccomp=unconfined"),
        "systempaths=unconfined",
    ),
    "signal": _SIGNALS,
    "stop_signal": _SIGNALS,
    "events filter": _keyed(
        container=_containers(),
        daemon=_one_of(),
        event=_one_of(*_EVENTS.split()),
        image=_images,
        label=_one_of(),
        network=_networks,
        scope=_one_of("local", "swarm"),
        type=_one_of("container", "daemon", "image", "network", "volume"),
        volume=_volumes,
    ),
    "trace": _one_of("tree", "json", "html"),
    "type": _one_of("container", "image", "network", "volume"),
    "ulimit": _one_of(*(f"{limit}=" for limit in _LIMITS.split())),
    "userns": _one_of("host"),
    "uts": _one_of("host"),
    "volume_driver": _plugins("Volume"),
    "volumes_from": _containers(),
}
"""By the flag, behind the command where others mean something else by it."""
