"""`ps` (docker/cli runPs and ContainerContext)."""

from __future__ import annotations

import time

from runner.cli.context import warn
from runner.cli.errors import CliError
from runner.cli.format import ports
from runner.cli.format.kind import Kind
from runner.cli.format.listing import (
    Listing,
    ellipsis,
    joined_labels,
    lines,
    local_time,
    short_id,
    used_columns,
)
from runner.cli.reference import parse_normalized
from runner.cli.values.numbers import go_quote
from runner.client import containers, filters
from runner.client.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import ListOptions
    from runner.cli.format.kind import Row
    from runner.client.client import Query

_COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")
KIND = Kind(
    "formatter.ContainerContext",
    {
        "ID": "CONTAINER ID",
        "Names": "NAMES",
        "Image": "IMAGE",
        "Command": "COMMAND",
        "CreatedAt": "CREATED AT",
        "RunningFor": "CREATED",
        "Ports": "PORTS",
        "State": "STATE",
        "Status": "STATUS",
        "Size": "SIZE",
        "Labels": "LABELS",
        "Mounts": "MOUNTS",
        "LocalVolumes": "LOCAL VOLUMES",
        "Networks": "NETWORKS",
        "Platform": "PLATFORM",
    },
    types={"Platform": "*formatter.Platform"},
    labelled=True,
)
RAW = """container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
"""
_NOTHING: dict[str, Any] = {
    "Id": "",
    "Names": [],
    "Image": "",
    "ImageID": "",
    "Command": "",
    "Created": 0,
    "Labels": None,
    "State": "",
    "Status": "",
    "Mounts": [],
}
"""A container that there is nothing to say of, for trying a template on."""


def run(context: Context, options: ListOptions) -> int:
    """List containers."""
    layout = options.format or ""
    if layout and options.quiet:
        warn("WARNING: Ignoring custom format, because both --format and --quiet are set.")
    used = used_columns(KIND, layout, row(_NOTHING, truncate=True)) if layout else set()
    size = bool(options.size)
    if options.size is None and not options.quiet:
        size = "Size" in used
    found = containers.list_containers(context.client(), _query(options, size=size))
    rows = (row(container, truncate=not options.no_trunc) for container in found)
    _show(rows, layout, quiet=options.quiet, size=size)
    return 0


def _show(rows: Iterable[Row], layout: str, *, quiet: bool, size: bool) -> None:
    if layout == "raw":
        layout = "container_id: {{.ID}}" if quiet else RAW + "size: {{.Size}}\\n" * size
    elif quiet:
        lines(rows, "ID")
        return
    columns = (*_COLUMNS, "Size") if size else _COLUMNS
    Listing(KIND, layout, columns).show(rows)


def _query(options: ListOptions, *, size: bool) -> Query:
    query: Query = {}
    limit = 1 if options.latest and options.last is None else options.last
    if options.all:
        query["all"] = "1"
    if limit is not None and limit > 0:
        query["limit"] = str(limit)
    if size:
        query["size"] = "1"
    if wanted := filters.to_json(options.filter or []):
        query["filters"] = wanted
    return query


def row(container: dict[str, Any], *, truncate: bool) -> Row:
    """A container's columns."""
    command = container["Command"]
    return {
        "ID": short_id(container["Id"]) if truncate else container["Id"],
        "Names": _names(container["Names"], truncate=truncate),
        "Image": _image(container, truncate=truncate),
        "Command": go_quote(ellipsis(command, 20) if truncate else command),
        "CreatedAt": local_time(container["Created"]),
        "RunningFor": human_duration(time.time() - container["Created"]) + " ago",
        "Ports": ports.display(container.get("Ports") or []),
        "State": container["State"],
        "Status": container["Status"],
        "Size": _size(container),
        "Labels": joined_labels(container["Labels"]),
        "Label": container["Labels"] or {},
        "Mounts": _mounts(container, truncate=truncate),
        "LocalVolumes": str(sum(m.get("Driver") == "local" for m in container["Mounts"])),
        "Networks": ",".join((container.get("NetworkSettings") or {}).get("Networks") or {}),
        "Platform": (container.get("ImageManifestDescriptor") or {}).get("platform"),
    }


def _names(names: list[str], *, truncate: bool) -> str:
    bare = [name[1:] for name in names]
    own = [name for name in bare if "/" not in name]
    return own[0] if truncate and own else ",".join(bare)


def _image(container: dict[str, Any], *, truncate: bool) -> str:
    """The image's name; without its digest, or a short ID, when truncated."""
    image: str = container["Image"]
    if not image:
        return "<no image>"
    if not truncate:
        return image
    if short_id(container["ImageID"]) == short_id(image):
        return short_id(image)
    try:
        reference = parse_normalized(image)
    except CliError:
        return image
    reference.digest = ""
    return reference.familiar()


def _size(container: dict[str, Any]) -> str:
    written = human_size(container.get("SizeRw", 0), 3)
    whole = container.get("SizeRootFs", 0)
    return f"{written} (virtual {human_size(whole, 3)})" if whole > 0 else written


def _mounts(container: dict[str, Any], *, truncate: bool) -> str:
    names = [mount.get("Name") or mount["Source"] for mount in container["Mounts"]]
    return ",".join(ellipsis(name, 15) if truncate else name for name in names)
