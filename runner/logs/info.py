"""What a log driver may know about its container (moby daemon/logger/loginfo.go)."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.types.regexp import compile_regexp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class LogInfo:
    """The container as its log driver sees it.

    `name` may have its leading slash, `env` holds "KEY=value", `log_path` is where a driver that
    keeps a file has it, `cache_path` where there is one beside a driver that cannot be read.
    """

    container_id: str
    name: str
    log_path: str
    cache_path: str = ""
    image_id: str = ""
    image_name: str = ""
    entrypoint: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    daemon_name: str = "docker"

    def tag_field(self, name: str) -> str:
        """A field or method of logger.Info by its Go name. Raises KeyError."""
        if name == "Hostname":
            return socket.gethostname()
        return {
            "ID": self.container_id[:12],
            "FullID": self.container_id,
            "ContainerID": self.container_id,
            "Name": self.name.removeprefix("/"),
            "ContainerName": self.name,
            "ImageID": self.image_id[:12],
            "ImageFullID": self.image_id,
            "ContainerImageID": self.image_id,
            "ImageName": self.image_name,
            "ContainerImageName": self.image_name,
            "ContainerEntrypoint": self.entrypoint,
            "Command": " ".join((self.entrypoint, *self.args)),
            "LogPath": self.log_path,
            "DaemonName": self.daemon_name,
        }[name]

    def extra_attributes(self, options: Mapping[str, str]) -> dict[str, str]:
        """The labels and variables that the options ask for. Raises ValueError for a bad regex."""
        variables = dict(entry.split("=", 1) for entry in self.env if "=" in entry)
        return {
            **_selected(self.labels, options.get("labels"), options.get("labels-regex")),
            **_selected(variables, options.get("env"), options.get("env-regex")),
        }


def _selected(values: Mapping[str, str], names: str | None, regex: str | None) -> dict[str, str]:
    chosen: Iterable[str] = names.split(",") if names else ()
    found = {name: values[name] for name in chosen if name in values}
    if regex:
        pattern = compile_regexp(regex)
        found |= {name: value for name, value in values.items() if pattern.search(name)}
    return found
