"""`ps` (docker/cli runPs and ContainerContext)."""

from __future__ import annotations

import time

from runner.cli.context import warn
from runner.cli.errors import CliError
from runner.cli.format import ports
from runner.cli.format.listing import Listing, ellipsis, local_time, short_id
from runner.cli.reference import parse_normalized
from runner.cli.values.numbers import go_quote
from runner.client import containers, jsontext
from runner.client.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.container import ListOptions
    from runner.client.client import Query

_TABLE = (
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
)
_HEADERS = {
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
}


def run(context: Context, options: ListOptions) -> int:
    """List containers."""
    if options.format and options.quiet:
        warn("WARNING: Ignoring custom format, because both --format and --quiet are set.")
    listing = Listing(_format(options), _HEADERS)
    size = bool(options.size) or (options.size is None and listing.uses("Size"))
    found = containers.list_containers(context.client(), _query(options, size=size))
    listing.show(_row(container, truncate=not options.no_trunc) for container in found)
    return 0


def _format(options: ListOptions) -> str:
    if options.quiet:
        return "{{.ID}}"
    if options.format in (None, "", "table"):
        return _TABLE + "\t{{.Size}}" if options.size else _TABLE
    return options.format or ""


def _query(options: ListOptions, *, size: bool) -> Query:
    query: Query = {}
    limit = 1 if options.latest and options.last is None else options.last
    if options.all:
        query["all"] = "1"
    if limit is not None and limit > 0:
        query["limit"] = str(limit)
    if size:
        query["size"] = "1"
    if filters := filters_json(options.filter or []):
        query["filters"] = filters
    return query


def filters_json(pairs: list[tuple[str, str]]) -> str:
    """Filters as the API takes them, `{"name": {"value": true}}`; empty when there are none."""
    filters: dict[str, dict[str, bool]] = {}
    for name, value in sorted(pairs):
        if name:
            filters.setdefault(name, {})[value] = True
    return jsontext.dumps(filters) if filters else ""


def _row(container: dict[str, Any], *, truncate: bool) -> dict[str, Any]:
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
        "Labels": ",".join(sorted(f"{k}={v}" for k, v in (container["Labels"] or {}).items())),
        "Mounts": _mounts(container, truncate=truncate),
        "LocalVolumes": str(sum(m.get("Driver") == "local" for m in container["Mounts"])),
        "Networks": ",".join(container["NetworkSettings"]["Networks"] or {}),
        "Platform": _platform(container.get("ImageManifestDescriptor")),
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


class _Platform(dict[str, str]):
    """An object in JSON, os/arch[/variant] in text."""

    def __str__(self) -> str:
        parts = (self.get("os"), self.get("architecture"), self.get("variant"))
        return "/".join(part for part in parts if part)


def _platform(descriptor: dict[str, Any] | None) -> _Platform | None:
    platform = (descriptor or {}).get("platform")
    return _Platform(platform) if platform else None
