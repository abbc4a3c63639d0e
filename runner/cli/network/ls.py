"""`network ls` (docker/cli network.runList)."""

from __future__ import annotations

from runner.cli.format.kind import Kind
from runner.cli.format.listing import Listing, joined_labels, lines, short_id
from runner.cli.values.order import natural
from runner.client import filters, networks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.network import ListOptions
    from runner.cli.format.kind import Row

COLUMNS = ("ID", "Name", "Driver", "Scope")
KIND = Kind(
    "network.networkContext",
    {
        "ID": "NETWORK ID",
        "Name": "NAME",
        "Driver": "DRIVER",
        "Scope": "SCOPE",
        "IPv4": "IPV4",
        "IPv6": "IPV6",
        "Internal": "INTERNAL",
        "Labels": "LABELS",
        "CreatedAt": "CREATED AT",
    },
    labelled=True,
)
RAW = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n"


def run(context: Context, options: ListOptions) -> int:
    """List networks by their names."""
    found = networks.list_networks(context.client(), filters.to_json(options.filter or []))
    found.sort(key=lambda network: natural(network["Name"]))
    rows = [columns(network, truncate=not options.no_trunc) for network in found]
    layout = options.format or ""
    if layout == "raw":
        layout = "network_id: {{.ID}}" if options.quiet else RAW
    elif layout in ("", "table") and options.quiet:
        lines(rows, "ID")
        return 0
    Listing(KIND, layout, COLUMNS).show(rows)
    return 0


def columns(network: dict[str, Any], *, truncate: bool) -> Row:
    """A network's columns."""
    return {
        "ID": short_id(network["Id"]) if truncate else network["Id"],
        "Name": network["Name"],
        "Driver": network["Driver"],
        "Scope": network["Scope"],
        "IPv4": _boolean(network.get("EnableIPv4")),
        "IPv6": _boolean(network.get("EnableIPv6")),
        "Internal": _boolean(network.get("Internal")),
        "Labels": joined_labels(network.get("Labels")),
        "CreatedAt": network["Created"].replace("T", " ").removesuffix("Z") + " +0000 UTC",
        "Label": network.get("Labels") or {},
    }


def _boolean(value: object) -> str:
    return "true" if value else "false"
