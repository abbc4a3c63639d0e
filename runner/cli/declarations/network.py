"""Commands on networks."""

from typing import Annotated

from runner.cli.declarations.command import Command, Group, argument, flag
from runner.cli.declarations.shared import Filter, Format, InspectFormat
from runner.cli.values import csv, lists, numbers

GROUPS = (Group("network", "Manage networks"),)

_Network = Annotated[str, argument("NETWORK")]
_Networks = Annotated[list[str], argument("NETWORK [NETWORK...]")]
_Container = Annotated[str, argument("CONTAINER")]


class CreateOptions:
    """`network create`."""

    network: _Network
    driver: Annotated[str, flag("--driver", "-d", metavar="string", help="Kind of network")] = (
        "bridge"
    )
    opt: Annotated[
        list[tuple[str, str]] | None,
        flag("--opt", "-o", metavar="map", parser=lists.pair, help="Set an option of the driver"),
    ] = None
    label: Annotated[
        list[str] | None,
        flag("--label", metavar="list", parser=lists.label, help="Set metadata"),
    ] = None
    internal: Annotated[bool, flag("--internal", help="Let nothing lead outside")] = False
    ipv4: Annotated[bool | None, flag("--ipv4", help="Have IPv4 (default true)")] = None
    ipv6: Annotated[bool | None, flag("--ipv6", help="Have IPv6")] = None
    attachable: Annotated[bool, flag("--attachable", help="Let containers be attached by hand")] = (
        False
    )
    ingress: Annotated[bool, flag("--ingress", help="Make a swarm's routing mesh")] = False
    scope: Annotated[str, flag("--scope", metavar="string", help="Where the network exists")] = ""
    config_only: Annotated[
        bool, flag("--config-only", help="Make a configuration for other networks")
    ] = False
    config_from: Annotated[
        str, flag("--config-from", metavar="string", help="Take the configuration of that one")
    ] = ""
    ipam_driver: Annotated[
        str, flag("--ipam-driver", metavar="string", help="Who gives addresses")
    ] = "default"
    subnet: Annotated[
        list[list[str]] | None,
        flag("--subnet", metavar="strings", parser=csv.values, help="Subnet, as CIDR"),
    ] = None
    ip_range: Annotated[
        list[list[str]] | None,
        flag("--ip-range", metavar="strings", parser=csv.values, help="Give only these addresses"),
    ] = None
    gateway: Annotated[
        list[list[str]] | None,
        flag("--gateway", metavar="strings", parser=csv.values, help="Gateway of a subnet"),
    ] = None
    aux_address: Annotated[
        list[tuple[str, str]] | None,
        flag(
            "--aux-address",
            metavar="map",
            parser=lists.pair,
            help="Keep an address for something else, as name=address",
        ),
    ] = None
    ipam_opt: Annotated[
        list[tuple[str, str]] | None,
        flag("--ipam-opt", metavar="map", parser=lists.pair, help="Set an option of that one"),
    ] = None


class ListOptions:
    """`network ls`."""

    quiet: Annotated[bool, flag("--quiet", "-q", help="Show only IDs")] = False
    no_trunc: Annotated[bool, flag("--no-trunc", help="Show whole IDs")] = False
    format: Format = None
    filter: Filter = None


class InspectOptions:
    """`network inspect`."""

    names: _Networks
    format: InspectFormat = None
    verbose: Annotated[bool, flag("--verbose", "-v", help="Show a swarm's services too")] = False


class RemoveOptions:
    """`network rm`."""

    networks: _Networks
    force: Annotated[bool, flag("--force", "-f", help="Do not mind missing ones")] = False


class PruneOptions:
    """`network prune`."""

    force: Annotated[bool, flag("--force", "-f", help="Do not ask")] = False
    filter: Annotated[
        list[tuple[str, str]] | None,
        flag(
            "--filter",
            metavar="filter",
            parser=lists.filter_pair,
            help="Remove only what fits: until=…, label=…, label!=…",
        ),
    ] = None


class ConnectOptions:
    """`network connect`."""

    network: _Network
    container: _Container
    ip: Annotated[str, flag("--ip", metavar="string", help="IPv4 address")] = ""
    ip6: Annotated[str, flag("--ip6", metavar="string", help="IPv6 address")] = ""
    link: Annotated[
        list[str] | None,
        flag("--link", metavar="list", parser=lists.link, help="Know another container by a name"),
    ] = None
    alias: Annotated[
        list[list[str]] | None,
        flag("--alias", metavar="strings", parser=csv.values, help="Name on the network"),
    ] = None
    link_local_ip: Annotated[
        list[list[str]] | None,
        flag("--link-local-ip", metavar="strings", parser=csv.values, help="Link-local address"),
    ] = None
    driver_opt: Annotated[
        list[list[str]] | None,
        flag("--driver-opt", metavar="strings", parser=csv.values, help="Option of the driver"),
    ] = None
    gw_priority: Annotated[
        int | None,
        flag(
            "--gw-priority",
            metavar="int",
            parser=numbers.int64,
            help="The network with the highest leads outside",
        ),
    ] = None


class DisconnectOptions:
    """`network disconnect`."""

    network: _Network
    container: _Container
    force: Annotated[bool, flag("--force", "-f", help="Also when the container is not there")] = (
        False
    )


COMMANDS = (
    Command(
        "network create",
        CreateOptions,
        "runner.cli.network.create:run",
        "[OPTIONS] NETWORK",
        "Make a network",
    ),
    Command(
        "network ls",
        ListOptions,
        "runner.cli.network.ls:run",
        "[OPTIONS]",
        "List networks",
        hidden_aliases={"network list": "network ls"},
    ),
    Command(
        "network inspect",
        InspectOptions,
        "runner.cli.system.inspect:run_network",
        "[OPTIONS] NETWORK [NETWORK...]",
        "Show everything about networks",
        names=("network",),
    ),
    Command(
        "network rm",
        RemoveOptions,
        "runner.cli.network.remove:run",
        "NETWORK [NETWORK...]",
        "Remove networks",
        hidden_aliases={"network remove": "network rm"},
        names=("network",),
    ),
    Command(
        "network prune",
        PruneOptions,
        "runner.cli.network.remove:run_prune",
        "[OPTIONS]",
        "Remove all networks that nobody is on",
    ),
    Command(
        "network connect",
        ConnectOptions,
        "runner.cli.network.connect:run",
        "[OPTIONS] NETWORK CONTAINER",
        "Put a container on a network",
        names=("network", "container"),
    ),
    Command(
        "network disconnect",
        DisconnectOptions,
        "runner.cli.network.connect:run_disconnect",
        "[OPTIONS] NETWORK CONTAINER",
        "Take a container off a network",
        names=("network", "container"),
    ),
)
