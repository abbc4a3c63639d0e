"""`network rm` and `network prune` (docker/cli network.runRemove, runPrune)."""

from __future__ import annotations

from runner.cli.confirm import confirm
from runner.cli.context import say, warn
from runner.cli.errors import CliError, describe
from runner.client import filters, networks
from runner.types.errors import NotFound, RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.network import PruneOptions, RemoveOptions

_WARNING = (
    "WARNING! This will remove all custom networks not used by at least one container.\n"
    "Are you sure you want to continue?"
)


def run(context: Context, options: RemoveOptions) -> int:
    """Remove networks and print their names; with --force a missing one is nothing."""
    client = context.client()
    failed = False
    for name in options.networks:
        try:
            networks.remove(client, name)
        except RunnerError as err:
            if options.force and isinstance(err, NotFound):
                continue
            warn(describe(err))
            failed = True
            continue
        say(name)
    if failed:
        raise CliError("exit status 1")
    return 0


def run_prune(context: Context, options: PruneOptions) -> int:
    """Remove the networks that nobody is on, and print their names."""
    if not options.force:
        confirm(_WARNING)
    report = networks.prune(context.client(), filters.to_json(options.filter or []))
    removed = report.get("NetworksDeleted")
    if removed:
        say("\n".join(["Deleted Networks:", *removed, ""]))
    return 0
