"""Commands on containers."""

from typing import Annotated

from runner.cli.declarations import shared
from runner.cli.declarations.command import Command, Group, argument, flag
from runner.cli.declarations.create import ContainerFlags
from runner.cli.declarations.shared import (
    Containers,
    DetachKeys,
    Filter,
    Format,
    InspectFormat,
    Signal,
)
from runner.cli.values import lists, numbers

GROUPS = (Group("container", "Manage containers"),)


class CreateOptions(ContainerFlags):
    """`create`."""

    image: Annotated[str, argument("IMAGE")]
    command: Annotated[list[str] | None, argument("[COMMAND] [ARG...]")] = None


class RunOptions(ContainerFlags):
    """`run`."""

    detach: Annotated[
        bool, flag("--detach", "-d", help="Leave it running, print the container's ID")
    ] = False
    sig_proxy: Annotated[
        bool, flag("--sig-proxy", help="Send signals on to the process (default true)")
    ] = True
    detach_keys: DetachKeys = None
    image: Annotated[str, argument("IMAGE")]
    command: Annotated[list[str] | None, argument("[COMMAND] [ARG...]")] = None


class StartOptions:
    """`start`."""

    attach: Annotated[
        bool, flag("--attach", "-a", help="Attach stdout and stderr, forward signals")
    ] = False
    interactive: Annotated[bool, flag("--interactive", "-i", help="Attach stdin")] = False
    detach_keys: DetachKeys = None
    checkpoint: Annotated[
        str | None,
        flag("--checkpoint", metavar="string", help="Restore this checkpoint", hidden=True),
    ] = None
    checkpoint_dir: Annotated[
        str | None,
        flag("--checkpoint-dir", metavar="string", help="Where checkpoints are", hidden=True),
    ] = None
    containers: Containers


class StopOptions:
    """`stop` and `restart`."""

    signal: Signal = None
    timeout: Annotated[
        int | None,
        flag(
            "--timeout",
            "-t",
            metavar="int",
            parser=numbers.int64,
            help="Seconds to wait before SIGKILL",
        ),
    ] = None
    time: Annotated[
        int | None,
        flag(
            "--time",
            metavar="int",
            parser=numbers.int64,
            help="use --timeout instead",
            hidden=True,
        ),
    ] = None
    containers: Containers


class PauseOptions:
    """`pause` and `unpause`."""

    containers: Containers


class KillOptions:
    """`kill`."""

    signal: Signal = None
    containers: Containers


class RemoveOptions:
    """`rm`."""

    volumes: Annotated[bool, flag("--volumes", "-v", help="Remove anonymous volumes too")] = False
    link: Annotated[bool, flag("--link", "-l", help="Remove only the link of that name")] = False
    force: Annotated[bool, flag("--force", "-f", help="Kill it first where it runs")] = False
    containers: Containers


class ListOptions:
    """`ps`."""

    quiet: Annotated[bool, flag("--quiet", "-q", help="Print IDs only")] = False
    size: Annotated[bool | None, flag("--size", "-s", help="Show file sizes")] = None
    all: Annotated[bool, flag("--all", "-a", help="Show those that do not run, too")] = False
    no_trunc: Annotated[bool, flag("--no-trunc", help="Show everything in full")] = False
    latest: Annotated[bool, flag("--latest", "-l", help="Show the newest, running or not")] = False
    last: Annotated[
        int | None,
        flag(
            "--last",
            "-n",
            metavar="int",
            parser=numbers.int64,
            help="Show the n newest, running or not",
        ),
    ] = None
    format: Format = None
    filter: Filter = None


class LogsOptions:
    """`logs`."""

    follow: Annotated[bool, flag("--follow", "-f", help="Go on with what is written")] = False
    since: Annotated[
        str | None,
        flag("--since", metavar="string", help="Only from this time on, or so long ago (42m)"),
    ] = None
    until: Annotated[
        str | None,
        flag("--until", metavar="string", help="Only before this time, or so long ago (42m)"),
    ] = None
    timestamps: Annotated[bool, flag("--timestamps", "-t", help="Show the times")] = False
    details: Annotated[bool, flag("--details", help="Show the log's extra attributes")] = False
    tail: Annotated[str, flag("--tail", "-n", metavar="string", help="Only so many last lines")] = (
        "all"
    )
    container: Annotated[str, argument("CONTAINER")]


class WaitOptions:
    """`wait`."""

    containers: Containers


class AttachOptions:
    """`attach`."""

    no_stdin: Annotated[bool, flag("--no-stdin", help="Leave stdin alone")] = False
    sig_proxy: Annotated[
        bool, flag("--sig-proxy", help="Send signals on to the process (default true)")
    ] = True
    detach_keys: DetachKeys = None
    container: Annotated[str, argument("CONTAINER")]


class UpdateOptions:
    """`update`. What is not given stays as it is."""

    blkio_weight: shared.BlkioWeight = None
    cpu_period: shared.CpuPeriod = None
    cpu_quota: shared.CpuQuota = None
    cpu_rt_period: shared.CpuRtPeriod = None
    cpu_rt_runtime: shared.CpuRtRuntime = None
    cpuset_cpus: shared.CpusetCpus = None
    cpuset_mems: shared.CpusetMems = None
    cpu_shares: shared.CpuShares = None
    memory: shared.Memory = None
    memory_reservation: shared.MemoryReservation = None
    memory_swap: shared.MemorySwap = None
    kernel_memory: Annotated[
        int | None,
        flag(
            "--kernel-memory",
            metavar="bytes",
            parser=numbers.ram_in_bytes,
            help="Limit of kernel memory (deprecated)",
            hidden=True,
        ),
    ] = None
    restart: shared.Restart = None
    pids_limit: shared.PidsLimit = None
    cpus: shared.Cpus = None
    containers: Containers


class StatsOptions:
    """`stats`."""

    all: Annotated[bool, flag("--all", "-a", help="Show those that do not run, too")] = False
    no_stream: Annotated[bool, flag("--no-stream", help="Show the figures once, do not go on")] = (
        False
    )
    no_trunc: Annotated[bool, flag("--no-trunc", help="Show everything in full")] = False
    format: Format = None
    containers: Annotated[list[str] | None, argument("[CONTAINER...]")] = None


class PortOptions:
    """`port`."""

    container: Annotated[str, argument("CONTAINER")]
    port: Annotated[str | None, argument("[PRIVATE_PORT[/PROTO]]")] = None


class PruneOptions:
    """`container prune`."""

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


class RenameOptions:
    """`rename`."""

    container: Annotated[str, argument("CONTAINER")]
    new_name: Annotated[str, argument("NEW_NAME")]


class InspectOptions:
    """`inspect`."""

    format: InspectFormat = None
    size: Annotated[bool, flag("--size", "-s", help="Show a container's file sizes")] = False
    type: Annotated[
        str | None, flag("--type", metavar="string", help="Look only at objects of this type")
    ] = None
    names: Annotated[list[str], argument("NAME|ID [NAME|ID...]")]


class ContainerInspectOptions:
    """`container inspect`."""

    format: InspectFormat = None
    size: Annotated[bool, flag("--size", "-s", help="Show the file sizes")] = False
    names: Containers


_MANY = "[OPTIONS] CONTAINER [CONTAINER...]"
_RUN = "[OPTIONS] IMAGE [COMMAND] [ARG...]"

COMMANDS = (
    Command(
        "run",
        RunOptions,
        "runner.cli.container.run:run",
        _RUN,
        "Create a container from an image and run it",
        aliases=("container run",),
        interspersed=False,
        names=("image",),
    ),
    Command(
        "create",
        CreateOptions,
        "runner.cli.container.create:run",
        _RUN,
        "Create a container from an image",
        aliases=("container create",),
        interspersed=False,
        names=("image",),
    ),
    Command(
        "start",
        StartOptions,
        "runner.cli.container.start:run",
        _MANY,
        "Start containers",
        aliases=("container start",),
        names=("stopped container",),
    ),
    Command(
        "stop",
        StopOptions,
        "runner.cli.container.stop:run",
        _MANY,
        "Stop running containers",
        aliases=("container stop",),
        names=("running container",),
    ),
    Command(
        "restart",
        StopOptions,
        "runner.cli.container.restart:run",
        _MANY,
        "Stop containers and start them again",
        aliases=("container restart",),
        names=("container",),
    ),
    Command(
        "pause",
        PauseOptions,
        "runner.cli.container.pause:run",
        "CONTAINER [CONTAINER...]",
        "Freeze all processes of containers",
        aliases=("container pause",),
        names=("container that is not paused",),
    ),
    Command(
        "unpause",
        PauseOptions,
        "runner.cli.container.pause:run_unpause",
        "CONTAINER [CONTAINER...]",
        "Let paused containers go on",
        aliases=("container unpause",),
        names=("paused container",),
    ),
    Command(
        "kill",
        KillOptions,
        "runner.cli.container.kill:run",
        _MANY,
        "Send a signal to running containers",
        aliases=("container kill",),
        names=("running container",),
    ),
    Command(
        "rm",
        RemoveOptions,
        "runner.cli.container.remove:run",
        _MANY,
        "Remove containers",
        aliases=("container rm",),
        hidden_aliases={"container remove": "container rm"},
        names=("stopped container",),
    ),
    Command(
        "ps",
        ListOptions,
        "runner.cli.container.ps:run",
        "[OPTIONS]",
        "List containers",
        aliases=("container ls",),
        hidden_aliases={"container list": "container ls", "container ps": "container ls"},
    ),
    Command(
        "logs",
        LogsOptions,
        "runner.cli.container.logs:run",
        "[OPTIONS] CONTAINER",
        "Show what a container has written",
        aliases=("container logs",),
        names=("container",),
    ),
    Command(
        "wait",
        WaitOptions,
        "runner.cli.container.wait:run",
        "CONTAINER [CONTAINER...]",
        "Wait until containers stop, print their exit codes",
        aliases=("container wait",),
        names=("running container",),
    ),
    Command(
        "attach",
        AttachOptions,
        "runner.cli.container.attach:run",
        "[OPTIONS] CONTAINER",
        "Attach to a running container",
        aliases=("container attach",),
        names=("container that is not paused",),
    ),
    Command(
        "stats",
        StatsOptions,
        "runner.cli.container.stats:run",
        "[OPTIONS] [CONTAINER...]",
        "Show what containers use of CPU, memory and the rest",
        aliases=("container stats",),
        names=("running container",),
    ),
    Command(
        "port",
        PortOptions,
        "runner.cli.container.port:run",
        "CONTAINER [PRIVATE_PORT[/PROTO]]",
        "Show where a container's ports are published",
        aliases=("container port",),
        names=("running container",),
    ),
    Command(
        "update",
        UpdateOptions,
        "runner.cli.container.update:run",
        _MANY,
        "Change containers' limits and restart policies",
        aliases=("container update",),
        names=("container",),
    ),
    Command(
        "container prune",
        PruneOptions,
        "runner.cli.container.prune:run",
        "[OPTIONS]",
        "Remove all containers that do not run",
    ),
    Command(
        "rename",
        RenameOptions,
        "runner.cli.container.rename:run",
        "CONTAINER NEW_NAME",
        "Give a container another name",
        aliases=("container rename",),
        names=("container",),
    ),
    Command(
        "inspect",
        InspectOptions,
        "runner.cli.system.inspect:run",
        "[OPTIONS] NAME|ID [NAME|ID...]",
        "Show all about containers and images",
        names=("anything",),
    ),
    Command(
        "container inspect",
        ContainerInspectOptions,
        "runner.cli.system.inspect:run_container",
        _MANY,
        "Show all about containers",
        names=("container",),
    ),
)
