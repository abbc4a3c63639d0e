"""Flags and arguments that several commands share."""

from typing import Annotated

from runner.cli.declarations.command import argument, flag
from runner.cli.values import lists, numbers

Env = Annotated[
    list[str] | None,
    flag(
        "--env",
        "-e",
        help="Set an environment variable",
        metavar="list",
        parser=lists.environment_variable,
    ),
]
EnvFile = Annotated[
    list[str] | None,
    flag("--env-file", help="Set the environment variables that a file lists", metavar="list"),
]
User = Annotated[
    str | None,
    flag("--user", "-u", help="Run as <name or uid>[:<group or gid>]", metavar="string"),
]
Workdir = Annotated[
    str | None,
    flag("--workdir", "-w", help="Working directory inside the container", metavar="string"),
]
BlkioWeight = Annotated[
    int | None,
    flag(
        "--blkio-weight",
        help="Share of block IO, 10 to 1000, or 0 for none",
        metavar="uint16",
        parser=numbers.uint16,
    ),
]
CpusetCpus = Annotated[
    str | None, flag("--cpuset-cpus", help="CPUs to run on, as 0-3 or 0,1", metavar="string")
]
CpusetMems = Annotated[
    str | None,
    flag("--cpuset-mems", help="Memory nodes to use, as 0-3 or 0,1", metavar="string"),
]
CpuPeriod = Annotated[
    int | None,
    flag(
        "--cpu-period",
        help="CFS scheduler's period, in microseconds",
        metavar="int",
        parser=numbers.int64,
    ),
]
CpuQuota = Annotated[
    int | None,
    flag(
        "--cpu-quota",
        help="CFS scheduler's quota in each period, in microseconds",
        metavar="int",
        parser=numbers.int64,
    ),
]
CpuRtPeriod = Annotated[
    int | None,
    flag(
        "--cpu-rt-period",
        help="Real-time scheduler's period, in microseconds",
        metavar="int",
        parser=numbers.int64,
    ),
]
CpuRtRuntime = Annotated[
    int | None,
    flag(
        "--cpu-rt-runtime",
        help="Real-time scheduler's runtime in each period, in microseconds",
        metavar="int",
        parser=numbers.int64,
    ),
]
CpuShares = Annotated[
    int | None,
    flag(
        "--cpu-shares",
        "-c",
        help="Relative share of the CPUs",
        metavar="int",
        parser=numbers.int64,
    ),
]
Cpus = Annotated[
    int | None,
    flag(
        "--cpus",
        help="Number of CPUs, with fractions",
        metavar="decimal",
        parser=numbers.nano_cpus,
    ),
]
KernelMemory = Annotated[
    int | None,
    flag(
        "--kernel-memory",
        help="Limit of kernel memory",
        metavar="bytes",
        parser=numbers.ram_in_bytes,
    ),
]
Memory = Annotated[
    int | None,
    flag("--memory", "-m", help="Limit of memory", metavar="bytes", parser=numbers.ram_in_bytes),
]
MemoryReservation = Annotated[
    int | None,
    flag(
        "--memory-reservation",
        help="Memory that is aimed at when the host runs short",
        metavar="bytes",
        parser=numbers.ram_in_bytes,
    ),
]
MemorySwap = Annotated[
    int | None,
    flag(
        "--memory-swap",
        help="Limit of memory and swap together, -1 for none",
        metavar="bytes",
        parser=numbers.swap_bytes,
    ),
]
PidsLimit = Annotated[
    int | None,
    flag(
        "--pids-limit",
        help="Limit of processes, -1 for none",
        metavar="int",
        parser=numbers.int64,
    ),
]
Restart = Annotated[
    str | None,
    flag(
        "--restart",
        help="When to start it again: no, on-failure[:retries], always, unless-stopped",
        metavar="string",
    ),
]

Containers = Annotated[list[str], argument("CONTAINER [CONTAINER...]")]
DetachKeys = Annotated[
    str | None,
    flag("--detach-keys", metavar="string", help="Keys that detach (ctrl-p,ctrl-q)"),
]
Signal = Annotated[
    str | None, flag("--signal", "-s", metavar="string", help="Signal to send, by name or number")
]
Format = Annotated[
    str | None,
    flag("--format", metavar="string", help='"json", "table TEMPLATE" or a template of fields'),
]
InspectFormat = Annotated[
    str | None, flag("--format", "-f", metavar="string", help='"json" or a template of fields')
]
Filter = Annotated[
    list[tuple[str, str]] | None,
    flag("--filter", "-f", metavar="filter", parser=lists.filter_pair, help="Show only what fits"),
]


class GlobalOptions:
    """What stands before the command. `main` has its own table of them, for the start's sake."""

    host: Annotated[
        str | None,
        flag("--host", "-H", metavar="string", help="The engine's address, as RUNNER_HOST"),
    ] = None
    tls: Annotated[bool, flag("--tls", help="Use TLS; implied by --tlsverify")] = False
    tlsverify: Annotated[
        bool | None, flag("--tlsverify", help="Use TLS, and have the engine prove who it is")
    ] = None
    tlscacert: Annotated[
        str | None,
        flag("--tlscacert", metavar="string", help="Authority that its certificate must come from"),
    ] = None
    tlscert: Annotated[
        str | None, flag("--tlscert", metavar="string", help="Certificate shown to the engine")
    ] = None
    tlskey: Annotated[
        str | None, flag("--tlskey", metavar="string", help="Key of that certificate")
    ] = None
    version: Annotated[bool, flag("--version", "-v", help="Show the version")] = False


class TraceFlags:
    """What every command that speaks to the engine has."""

    trace: Annotated[
        str | None,
        flag(
            "--trace",
            metavar="string",
            implied="tree",
            help="Show the road that it took afterwards: tree, json or html (tree)",
        ),
    ] = None
    trace_file: Annotated[
        str | None,
        flag("--trace-file", metavar="string", help="Write that to a file (standard error)"),
    ] = None
