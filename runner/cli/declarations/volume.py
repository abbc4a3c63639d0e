"""Commands on volumes."""

from typing import Annotated

from runner.cli.declarations.command import Command, Group, argument, flag
from runner.cli.declarations.shared import Filter, Format, InspectFormat
from runner.cli.values import lists

GROUPS = (Group("volume", "Manage volumes", "COMMAND"),)


class CreateOptions:
    """`volume create`."""

    driver: Annotated[
        str, flag("--driver", "-d", metavar="string", help="Volume driver (local)")
    ] = "local"
    name: Annotated[
        str | None, flag("--name", metavar="string", help="The volume's name", hidden=True)
    ] = None
    opt: Annotated[
        list[str] | None, flag("--opt", "-o", metavar="map", help="KEY=VALUE for the driver")
    ] = None
    label: Annotated[
        list[str] | None,
        flag("--label", metavar="list", parser=lists.label, help="Label of the volume"),
    ] = None
    volume: Annotated[str | None, argument("[VOLUME]")] = None


class ListOptions:
    """`volume ls`."""

    quiet: Annotated[bool, flag("--quiet", "-q", help="Print names only")] = False
    format: Format = None
    filter: Filter = None
    cluster: Annotated[
        bool, flag("--cluster", help="Show swarm's volumes (not supported)", hidden=True)
    ] = False


class InspectOptions:
    """`volume inspect`."""

    format: InspectFormat = None
    names: Annotated[list[str], argument("VOLUME [VOLUME...]")]


class RemoveOptions:
    """`volume rm`."""

    force: Annotated[bool, flag("--force", "-f", help="Also where there is none to remove")] = False
    volumes: Annotated[list[str], argument("VOLUME [VOLUME...]")]


class PruneOptions:
    """`volume prune`."""

    all: Annotated[
        bool, flag("--all", "-a", help="Remove all unused volumes, not only anonymous ones")
    ] = False
    force: Annotated[bool, flag("--force", "-f", help="Do not ask")] = False
    filter: Annotated[
        list[tuple[str, str]] | None,
        flag(
            "--filter",
            metavar="filter",
            parser=lists.filter_pair,
            help="Remove only what fits: label=…, label!=…",
        ),
    ] = None


COMMANDS = (
    Command(
        "volume create",
        CreateOptions,
        "runner.cli.volume.create:run",
        "[OPTIONS] [VOLUME]",
        "Create a volume",
    ),
    Command(
        "volume ls",
        ListOptions,
        "runner.cli.volume.ls:run",
        "[OPTIONS]",
        "List volumes",
        hidden_aliases={"volume list": "volume ls"},
    ),
    Command(
        "volume inspect",
        InspectOptions,
        "runner.cli.system.inspect:run_volume",
        "[OPTIONS] VOLUME [VOLUME...]",
        "Show all about volumes",
        names=("volume",),
    ),
    Command(
        "volume rm",
        RemoveOptions,
        "runner.cli.volume.remove:run",
        "[OPTIONS] VOLUME [VOLUME...]",
        "Remove volumes",
        hidden_aliases={"volume remove": "volume rm"},
        names=("volume",),
    ),
    Command(
        "volume prune",
        PruneOptions,
        "runner.cli.volume.prune:run",
        "[OPTIONS]",
        "Remove volumes that nobody uses",
    ),
)
