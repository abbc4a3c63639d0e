"""The namespace modes of HostConfig, with the questions that moby's types answer.

They stay strings, as on the wire: `IpcMode(host_config.ipc_mode).is_host`. Each names its moby
counterpart in api/types/container/hostconfig.go.
"""

from __future__ import annotations


class _ContainerMode(str):
    """A mode that may be `container:<name or id>`."""

    __slots__ = ()

    @property
    def is_container(self) -> bool:
        """Whether another container's namespace is joined, be its name empty or not."""
        return self.startswith("container:")

    @property
    def container(self) -> str:
        """The name or ID of the container joined, or an empty string."""
        return self.removeprefix("container:") if self.is_container else ""

    @property
    def is_host(self) -> bool:
        """Whether the host's namespace is used."""
        return self == "host"


class NetworkMode(_ContainerMode):
    """none, host, container:<id>, default, bridge or a network's name."""

    __slots__ = ()

    @property
    def is_none(self) -> bool:
        return self == "none"

    @property
    def is_default(self) -> bool:
        return self == "default"

    @property
    def is_bridge(self) -> bool:
        return self == "bridge"

    @property
    def is_private(self) -> bool:
        """Whether the container has a network namespace of its own."""
        return not (self.is_host or self.is_container)

    @property
    def is_user_defined(self) -> bool:
        """Whether the mode is the name of a network that somebody made."""
        predefined = self.is_none or self.is_default or self.is_bridge
        return bool(self) and self.is_private and not predefined


class IpcMode(_ContainerMode):
    """none, private, shareable, host or container:<id>; empty means the engine's default."""

    __slots__ = ()

    @property
    def is_none(self) -> bool:
        return self == "none"

    @property
    def is_private(self) -> bool:
        return self == "private"

    @property
    def is_shareable(self) -> bool:
        return self == "shareable"

    @property
    def valid(self) -> bool:
        plain = ("", "none", "private", "shareable", "host")
        return self in plain or self.is_container


class PidMode(_ContainerMode):
    """host or container:<id>; empty means a new namespace."""

    __slots__ = ()

    @property
    def is_private(self) -> bool:
        """Whether the container has a PID namespace of its own."""
        return not (self.is_host or self.is_container)

    @property
    def valid(self) -> bool:
        return self in ("", "host") or bool(self.container)


class UTSMode(str):
    """host; empty means a new namespace."""

    __slots__ = ()

    @property
    def is_host(self) -> bool:
        return self == "host"

    @property
    def valid(self) -> bool:
        return self in ("", "host")


class UsernsMode(str):
    """host; empty means the engine's default, which here is the host's too (no remapping)."""

    __slots__ = ()

    @property
    def is_host(self) -> bool:
        return self == "host"

    @property
    def valid(self) -> bool:
        return self in ("", "host")


class CgroupnsMode(str):
    """private or host; empty means the engine's default."""

    __slots__ = ()

    @property
    def is_private(self) -> bool:
        return self == "private"

    @property
    def is_host(self) -> bool:
        return self == "host"

    @property
    def valid(self) -> bool:
        return self in ("", "private", "host")
