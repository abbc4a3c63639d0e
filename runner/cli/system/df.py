"""`system df` (docker/cli runDiskUsage and DiskUsageContext)."""

from __future__ import annotations

import sys
import time

from runner.cli.container import ps
from runner.cli.errors import CliError
from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, parse_layout, short_id
from runner.cli.image import images
from runner.cli.values import times
from runner.cli.volume import ls
from runner.client import system
from runner.client.units import human_duration, human_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.system import DiskUsageOptions
    from runner.cli.format.kind import Row

    Object = dict[str, Any]
    Tables = dict[str, tuple[Kind, list[Row]]]

_SUMMARY = Kind(
    "formatter.diskUsageImagesContext",
    {
        "Type": "TYPE",
        "TotalCount": "TOTAL",
        "Active": "ACTIVE",
        "Size": "SIZE",
        "Reclaimable": "RECLAIMABLE",
    },
)
_CACHE = Kind(
    "formatter.buildCacheContext",
    {
        "ID": "CACHE ID",
        "Parent": "PARENT",
        "CacheType": "CACHE TYPE",
        "Size": "SIZE",
        "CreatedSince": "CREATED",
        "LastUsedSince": "LAST USED",
        "UsageCount": "USAGE",
        "InUse": "IN USE",
        "Shared": "SHARED",
        "Description": "DESCRIPTION",
    },
    more=("CreatedAt", "LastUsedAt"),
)
_COLUMNS = {
    "Images": ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize",
               "Containers"),
    "Containers": ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status",
                   "Names"),
    "Volumes": ("Name", "Links", "Size"),
    "BuildCache": ("ID", "CacheType", "Size", "CreatedSince", "LastUsedSince", "UsageCount",
                   "Shared"),
}  # fmt: skip
_RAW = """type: {{.Type}}
total: {{.TotalCount}}
active: {{.Active}}
size: {{.Size}}
reclaimable: {{.Reclaimable}}
"""
_RAW_CACHE = """build_cache_id: {{.ID}}
parent_id: {{.Parent}}
build_cache_type: {{.CacheType}}
description: {{.Description}}
created_at: {{.CreatedAt}}
created_since: {{.CreatedSince}}
last_used_at: {{.LastUsedAt}}
last_used_since: {{.LastUsedSince}}
usage_count: {{.UsageCount}}
in_use: {{.InUse}}
shared: {{.Shared}}
"""
_RUNNING = ("running", "paused", "restarting")


def run(context: Context, options: DiskUsageOptions) -> int:
    """Show how much room images, containers, volumes and the build cache take."""
    usage = system.disk_usage(context.client())
    for name in ("Images", "Containers", "Volumes", "BuildCache"):
        usage[name] = usage.get(name) or []
    layout = options.format or "table"
    if options.verbose:
        _show_all(usage, layout)
    else:
        listing = Listing(_SUMMARY, _RAW if layout == "raw" else layout, tuple(_SUMMARY.headers))
        listing.show(_summary(usage))
    return 0


# --- the summary ------------------------------------------------------------------------------


def _summary(usage: dict[str, Any]) -> list[Row]:
    return [
        _images(usage["Images"], usage.get("LayersSize", 0)),
        _containers(usage["Containers"]),
        _volumes(usage["Volumes"]),
        _build_cache(usage["BuildCache"]),
    ]


def _images(found: list[Object], size: int) -> Row:
    active = sum(image["Containers"] > 0 for image in found)
    used = sum(
        image["Size"] - image["SharedSize"]
        for image in found
        if image["Containers"] != 0 and -1 not in (image["Size"], image["SharedSize"])
    )
    return _line("Images", found, active, size, _share(size - used, size))


def _containers(found: list[Object]) -> Row:
    size = sum(container.get("SizeRw", 0) for container in found)
    stopped = [container for container in found if container["State"] not in _RUNNING]
    free = sum(container.get("SizeRw", 0) for container in stopped)
    return _line("Containers", found, len(found) - len(stopped), size, _share(free, size))


def _volumes(found: list[Object]) -> Row:
    usages = [volume["UsageData"] for volume in found]
    known = [usage for usage in usages if usage["Size"] != -1]
    size = sum(usage["Size"] for usage in known)
    free = sum(usage["Size"] for usage in known if usage["RefCount"] == 0)
    active = sum(usage["RefCount"] > 0 for usage in usages)
    return _line("Local Volumes", found, active, size, _share(free, size))


def _build_cache(found: list[Object]) -> Row:
    size = _cache_size(found)
    used = sum(record["Size"] for record in found if record["InUse"] and not record["Shared"])
    active = sum(record["InUse"] for record in found)
    return _line("Build Cache", found, active, size, human_size(size - used))


def _cache_size(found: list[Object]) -> int:
    return sum(record["Size"] for record in found if not record["Shared"])


def _line(title: str, found: list[Object], active: int, size: int, reclaimable: str) -> Row:
    return {
        "Type": title,
        "TotalCount": str(len(found)),
        "Active": str(active),
        "Size": human_size(size),
        "Reclaimable": reclaimable,
    }


def _share(part: int, whole: int) -> str:
    """A size and what percentage it is, rounded towards zero as Go divides."""
    if whole <= 0:
        return human_size(part)
    percent = abs(part) * 100 // whole
    return f"{human_size(part)} ({-percent if part < 0 else percent}%)"


# --- each by itself ---------------------------------------------------------------------------


def _show_all(usage: dict[str, Any], layout: str) -> None:
    tables = _tables(usage, truncate=layout.startswith("table"))
    if layout == "table":
        cache_size = human_size(_cache_size(usage["BuildCache"]))
        sys.stdout.write(_sections(tables, cache_size))
    else:
        _show_templated(tables, _raw_layout() if layout == "raw" else layout)


def _tables(usage: dict[str, Any], *, truncate: bool) -> Tables:
    containers = [container | {"SizeRootFs": 0} for container in usage["Containers"]]
    return {
        "Images": (images.KIND, [_image(image, truncate=truncate) for image in usage["Images"]]),
        "Containers": (ps.KIND, [ps.row(each, truncate=truncate) for each in containers]),
        "Volumes": (ls.KIND, [ls.row(volume) for volume in usage["Volumes"]]),
        "BuildCache": (
            _CACHE,
            [_cache(record, truncate=truncate) for record in _ordered(usage["BuildCache"])],
        ),
    }


def _sections(tables: Tables, cache_size: str) -> str:
    titles = {
        "Images": "Images space usage:",
        "Containers": "Containers space usage:",
        "Volumes": "Local Volumes space usage:",
        "BuildCache": f"Build cache usage: {cache_size}",
    }
    return "\n".join(
        f"{titles[name]}\n\n{Listing(kind, 'table', _COLUMNS[name]).render(rows)}"
        for name, (kind, rows) in tables.items()
    )


def _show_templated(tables: Tables, layout: str) -> None:
    """One template over all of them."""
    from runner.cli.template import ExecutionError
    from runner.cli.template.rows import document

    template = parse_layout(layout)
    try:
        text, fault = template.render(document("formatter.diskUsageContext", tables)), ""
    except ExecutionError as err:
        text, fault = err.written, str(err)
    sys.stdout.write(text)
    if fault:
        raise CliError(fault)


def _raw_layout() -> str:
    container = ps.RAW + "size: {{.Size}}\n"
    return (
        f"{{{{range .Images}}}}type: Image\n{images.RAW}\n{{{{end -}}}}\n"
        f"{{{{range .Containers}}}}type: Container\n{container}\n{{{{end -}}}}\n"
        f"{{{{range .Volumes}}}}type: Volume\n{ls.RAW}\n{{{{end -}}}}\n"
        f"{{{{range .BuildCache}}}}type: Build Cache\n{_RAW_CACHE}\n{{{{end -}}}}"
    )


def _image(image: Object, *, truncate: bool) -> Row:
    repository, tag = images.first_name(image)
    names = {"Repository": repository, "Tag": tag, "Digest": ""}
    return images.columns(image, truncate=truncate) | names


def _ordered(records: list[Object]) -> list[Object]:
    """Those that were never used first, then the longest unused."""
    return sorted(records, key=lambda record: (record.get("LastUsedAt") or "", record["ID"]))


def _cache(record: Object, *, truncate: bool) -> Row:
    parent = ", ".join(record.get("Parents") or []) or record.get("Parent", "")
    used = record.get("LastUsedAt")
    identity = short_id(record["ID"]) if truncate else record["ID"]
    return {
        "ID": identity + ("*" if record["InUse"] else ""),
        "Parent": short_id(parent) if truncate else parent,
        "CacheType": record["Type"],
        "Description": record["Description"],
        "Size": human_size(record["Size"], 3),
        "CreatedAt": times.shown(record["CreatedAt"]),
        "CreatedSince": _age(record["CreatedAt"]),
        "LastUsedAt": times.shown(used) if used else "",
        "LastUsedSince": _age(used) if used else "",
        "UsageCount": str(record["UsageCount"]),
        "InUse": "true" if record["InUse"] else "false",
        "Shared": "true" if record["Shared"] else "false",
    }


def _age(moment: str) -> str:
    return human_duration(time.time() - times.seconds(moment)) + " ago"
