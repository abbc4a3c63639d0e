"""Volumes as the Engine API shows them (moby api/types/volume)."""

from __future__ import annotations

from typing import Any, ClassVar

from runner.types.wire import Wire


class UsageData(Wire, rename="pascal"):
    """Containers that have the volume, running or not, and its bytes; -1 when they are unknown."""

    ref_count: int
    size: int


class Volume(Wire, rename="pascal"):
    """A volume. `usage_data` is only there where it was asked for: counting takes its time."""

    created_at: str = ""
    driver: str = ""
    labels: dict[str, str] | None = None
    mountpoint: str = ""
    name: str = ""
    options: dict[str, str] | None = None
    scope: str = "local"
    usage_data: UsageData | None = None

    omit_empty: ClassVar[frozenset[str]] = frozenset({"created_at", "usage_data"})


class CreateOptions(Wire, rename="pascal"):
    """A volume to be made. `cluster_volume_spec` is Swarm's; all that matters is whether it is."""

    name: str = ""
    driver: str = ""
    driver_opts: dict[str, str] | None = None
    labels: dict[str, str] | None = None
    cluster_volume_spec: dict[str, Any] | None = None


class ListResponse(Wire, rename="pascal"):
    """The volumes that were found, and which drivers did not answer."""

    volumes: list[Volume]
    warnings: list[str] | None = None


class PruneReport(Wire, rename="pascal"):
    """The names of what was deleted, and the bytes of its content."""

    volumes_deleted: list[str]
    space_reclaimed: int = 0
