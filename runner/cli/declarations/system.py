"""Commands on the engine itself, and bundles."""

from typing import Annotated

from runner.cli.declarations.command import Command, Group, argument, flag
from runner.cli.declarations.create import ContainerFlags
from runner.cli.declarations.shared import Filter, Format, InspectFormat
from runner.cli.values import lists, numbers

GROUPS = (
    Group("system", "Manage the engine"),
    Group("bundle", "Make OCI bundles"),
)


class VersionOptions:
    """`version`."""

    format: InspectFormat = None


class InfoOptions:
    """`info`."""

    format: InspectFormat = None


class EventsOptions:
    """`events`."""

    since: Annotated[
        str | None,
        flag("--since", metavar="string", help="Also what happened since then, or so long ago"),
    ] = None
    until: Annotated[
        str | None, flag("--until", metavar="string", help="Only until then, or so long ago")
    ] = None
    filter: Filter = None
    format: Annotated[
        str | None, flag("--format", metavar="string", help='"json" or a template of fields')
    ] = None


class DiskUsageOptions:
    """`system df`."""

    verbose: Annotated[bool, flag("--verbose", "-v", help="Show each object")] = False
    format: Format = None


class PruneOptions:
    """`system prune`."""

    force: Annotated[bool, flag("--force", "-f", help="Do not ask")] = False
    all: Annotated[
        bool, flag("--all", "-a", help="Remove all images without a container, tagged or not")
    ] = False
    volumes: Annotated[bool, flag("--volumes", help="Remove anonymous volumes too")] = False
    filter: Annotated[
        list[tuple[str, str]] | None,
        flag(
            "--filter",
            metavar="filter",
            parser=lists.filter_pair,
            help="Remove only what fits: until=…, label=…, label!=…",
        ),
    ] = None


class LoginOptions:
    """`login`."""

    username: Annotated[
        str | None, flag("--username", "-u", metavar="string", help="User name")
    ] = None
    password: Annotated[
        str | None, flag("--password", "-p", metavar="string", help="Password or access token")
    ] = None
    password_stdin: Annotated[
        bool, flag("--password-stdin", help="Read the password from stdin")
    ] = False
    server: Annotated[str | None, argument("[SERVER]")] = None


class LogoutOptions:
    """`logout`."""

    server: Annotated[str | None, argument("[SERVER]")] = None


class ServeOptions:
    """`serve`. What is not given is the engine's own default."""

    host: Annotated[
        list[str] | None,
        flag("--host", "-H", metavar="list", help="Address to serve (unix:///run/runner.sock)"),
    ] = None
    data_root: Annotated[
        str | None,
        flag("--data-root", metavar="string", help="What must last (/var/lib/runner)"),
    ] = None
    exec_root: Annotated[
        str | None,
        flag("--exec-root", metavar="string", help="What may go with a reboot (/run/runner)"),
    ] = None
    containerd: Annotated[
        str | None, flag("--containerd", metavar="string", help="containerd's socket")
    ] = None
    containerd_namespace: Annotated[
        str | None,
        flag("--containerd-namespace", metavar="string", help="containerd namespace (runner)"),
    ] = None
    snapshotter: Annotated[
        str | None, flag("--snapshotter", metavar="string", help="containerd snapshotter")
    ] = None
    bridge: Annotated[
        str | None, flag("--bridge", metavar="string", help="Bridge of the default network")
    ] = None
    bip: Annotated[
        str | None, flag("--bip", metavar="string", help="Address of that bridge, as CIDR")
    ] = None
    ip_forward_no_drop: Annotated[
        bool,
        flag(
            "--ip-forward-no-drop",
            help="When IPv4 forwarding has to be enabled, leave the policy of FORWARD alone",
        ),
    ] = False
    default_runtime: Annotated[
        str | None, flag("--default-runtime", metavar="string", help="OCI runtime")
    ] = None
    cgroup_parent: Annotated[
        str | None,
        flag("--cgroup-parent", metavar="string", help="Parent cgroup of all containers"),
    ] = None
    live_restore: Annotated[
        bool,
        flag("--live-restore", help="Let containers go on running without it (default true)"),
    ] = True
    shutdown_timeout: Annotated[
        int | None,
        flag(
            "--shutdown-timeout",
            metavar="int",
            parser=numbers.int64,
            help="Seconds to wait at the end for what is under way (15)",
        ),
    ] = None
    certs_dir: Annotated[
        list[str] | None,
        flag(
            "--certs-dir",
            metavar="list",
            help="Registries' hosts.toml and certificates (Docker's and containerd's)",
        ),
    ] = None
    log_driver: Annotated[
        str | None,
        flag("--log-driver", metavar="string", help="Log driver of containers (json-file)"),
    ] = None
    log_opt: Annotated[
        list[str] | None,
        flag("--log-opt", metavar="list", help="Log driver options of such containers"),
    ] = None
    pidfile: Annotated[
        str | None, flag("--pidfile", metavar="string", help="Write the process ID here")
    ] = None
    metrics_addr: Annotated[
        str | None,
        flag(
            "--metrics-addr",
            metavar="string",
            help="Serve Prometheus metrics here, such as 127.0.0.1:9323",
        ),
    ] = None
    group: Annotated[
        str | None,
        flag("--group", "-G", metavar="string", help="Group that owns the unix socket (docker)"),
    ] = None
    tls: Annotated[
        bool | None, flag("--tls", help="Use TLS on TCP addresses; implied by --tlsverify")
    ] = None
    tlsverify: Annotated[
        bool | None, flag("--tlsverify", help="Use TLS, and let in clients with a certificate only")
    ] = None
    tlscacert: Annotated[
        str | None,
        flag(
            "--tlscacert",
            metavar="string",
            help="Authority that TCP clients' certificates must come from",
        ),
    ] = None
    tlscert: Annotated[
        str | None, flag("--tlscert", metavar="string", help="Certificate shown to TCP clients")
    ] = None
    tlskey: Annotated[
        str | None, flag("--tlskey", metavar="string", help="Key of that certificate")
    ] = None
    log_level: Annotated[
        str | None,
        flag("--log-level", metavar="string", help="debug, info, warn or error (info)"),
    ] = None
    log_format: Annotated[
        str | None, flag("--log-format", metavar="string", help="text or json (text)")
    ] = None
    debug: Annotated[bool, flag("--debug", "-D", help="The same as --log-level debug")] = False


class DoctorOptions:
    """`doctor`."""

    data_root: Annotated[
        str,
        flag("--data-root", metavar="string", help="Where the engine's data is to be"),
    ] = "/var/lib/runner"
    containerd: Annotated[
        str | None,
        flag("--containerd", metavar="string", help="containerd's socket, if not a usual one"),
    ] = None


class StopEngineOptions:
    """`system stop`."""

    timeout: Annotated[
        int | None,
        flag(
            "--timeout",
            "-t",
            metavar="int",
            parser=numbers.int64,
            help="Seconds to wait for its end (60)",
        ),
    ] = None


class DemoOptions:
    """`demo`."""

    scenarios: Annotated[list[str] | None, argument("[SCENARIO...]")] = None
    list: Annotated[bool, flag("--list", help="Say which scenarios there are")] = False
    step: Annotated[
        bool, flag("--step", help="Wait for a key before each act, and before the clean-up")
    ] = False
    functions: Annotated[
        bool, flag("--functions", help="Name our function and moby's for each step")
    ] = False
    web: Annotated[
        bool, flag("--web", help="Show it as a page in a browser, SCENARIO first; Ctrl-C ends it")
    ] = False
    port: Annotated[
        int | None,
        flag("--port", metavar="int", parser=numbers.uint16, help="The page's port (a free one)"),
    ] = None
    containerd: Annotated[
        str | None,
        flag("--containerd", metavar="string", help="containerd's socket, if not a usual one"),
    ] = None
    busybox: Annotated[
        str | None,
        flag("--busybox", metavar="string", help="A static busybox, if not a usual one"),
    ] = None


class CompletionOptions:
    """`completion`."""

    shell: Annotated[str, argument("bash|zsh|fish")]


class ManOptions:
    """`man`."""

    directory: Annotated[str, argument("DIR")]


class InstallOptions:
    """`system install`."""

    root: Annotated[
        str,
        flag("--root", metavar="string", help="Install below this folder instead of /"),
    ] = "/"
    print: Annotated[bool, flag("--print", help="Only print what would be written")] = False


class BundleOptions(ContainerFlags):
    """`bundle create`."""

    image: Annotated[str, argument("IMAGE")]
    directory: Annotated[str, argument("DIR")]


COMMANDS = (
    Command(
        "login",
        LoginOptions,
        "runner.cli.registry.login:run",
        "[OPTIONS] [SERVER]",
        "Log in to a registry",
    ),
    Command(
        "logout",
        LogoutOptions,
        "runner.cli.registry.login:run_logout",
        "[SERVER]",
        "Log out from a registry",
    ),
    Command(
        "version",
        VersionOptions,
        "runner.cli.system.version:run",
        "[OPTIONS]",
        "Show the versions of the command and the engine",
    ),
    Command(
        "info",
        InfoOptions,
        "runner.cli.system.info:run",
        "[OPTIONS]",
        "Show the state of the engine and its host",
        aliases=("system info",),
    ),
    Command(
        "events",
        EventsOptions,
        "runner.cli.system.events:run",
        "[OPTIONS]",
        "Show what happens, as it happens",
        aliases=("system events",),
    ),
    Command(
        "system df",
        DiskUsageOptions,
        "runner.cli.system.df:run",
        "[OPTIONS]",
        "Show what takes how much room",
    ),
    Command(
        "system prune",
        PruneOptions,
        "runner.cli.system.prune:run",
        "[OPTIONS]",
        "Remove what nobody uses",
    ),
    Command(
        "serve",
        ServeOptions,
        "runner.cli.system.serve:run",
        "[OPTIONS]",
        "Run the engine",
        traced=False,
    ),
    Command(
        "doctor",
        DoctorOptions,
        "runner.cli.system.doctor:run",
        "[OPTIONS]",
        "Check whether this host has what runner needs",
        traced=False,
    ),
    Command(
        "demo",
        DemoOptions,
        "runner.cli.system.demo:run",
        "[OPTIONS] [SCENARIO...]",
        "Show what happens between `runner run` and a process: SCENARIO (happy), or all",
        traced=False,
    ),
    Command(
        "system stop",
        StopEngineOptions,
        "runner.cli.system.stop:run",
        "[OPTIONS]",
        "End the engine; its containers go on, and the next command starts it again",
        traced=False,
    ),
    Command(
        "completion",
        CompletionOptions,
        "runner.cli.system.completion:run",
        "bash|zsh|fish",
        "Print what makes a shell complete commands and flags",
        traced=False,
    ),
    Command(
        "man",
        ManOptions,
        "runner.cli.system.man:run",
        "DIR",
        "Write the manual pages",
        traced=False,
    ),
    Command(
        "system install",
        InstallOptions,
        "runner.cli.system.install:run",
        "[OPTIONS]",
        "Install systemd units that start the engine when it is first used",
        traced=False,
    ),
    Command(
        "bundle create",
        BundleOptions,
        "runner.cli.system.bundle:run",
        "[OPTIONS] IMAGE DIR",
        "Write an OCI bundle that a plain `runc run` can run",
        names=("image",),
    ),
)
