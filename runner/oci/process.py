"""The process: arguments, environment, working directory, terminal, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.oci.defaults import DEFAULT_PATH
from runner.oci.init_binary import lookup_init_path
from runner.oci.spec import Box, Mount, POSIXRlimit, Root
from runner.types.modes import NetworkMode, PidMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.oci.host import Host
    from runner.oci.request import SpecRequest
    from runner.oci.spec import Spec
    from runner.types.container import Ulimit

IN_CONTAINER_INIT_PATH: Final = "/sbin/docker-init"

_UINT64: Final = (1 << 64) - 1


def with_common_options(spec: Spec, request: SpecRequest, host: Host) -> None:
    """Root, process, hostname and the sysctls of a new network namespace (withCommonOptions)."""
    config, process = request.config, spec.process
    spec.root = Root(str(request.rootfs), request.host_config.readonly_rootfs)
    process.args = [request.path, *request.args]
    if _wants_init(request):
        _add_init(spec, request)
    process.cwd = config.working_dir or "/"
    process.env = create_daemon_environment(
        config.hostname, config.tty, request.linked_env, config.env or []
    )
    process.terminal = config.tty
    spec.hostname = config.hostname
    if config.domainname:
        # The specification had no field for it, but its sysctl does the same.
        spec.linux.sysctl["kernel.domainname"] = config.domainname
    if NetworkMode(request.host_config.network_mode).is_private:
        _add_default_sysctls(spec, host)


def with_rlimits(spec: Spec, request: SpecRequest, host: Host) -> None:
    """The user's limits, then the engine's own for what the user did not name (withRlimits)."""
    chosen = merge_ulimits(request.host_config.ulimits or [], request.ulimits)
    spec.process.rlimits = [
        POSIXRlimit(
            type=f"RLIMIT_{limit.name.upper()}",
            hard=limit.hard & _UINT64,  # -1 is unlimited
            soft=limit.soft & _UINT64,
        )
        for limit in chosen
    ]


def with_oom_score(spec: Spec, request: SpecRequest, host: Host) -> None:
    """How eagerly the kernel kills the process when memory is short (WithOOMScore)."""
    spec.process.oom_score_adj = request.host_config.oom_score_adj


def with_console_size(spec: Spec, request: SpecRequest, host: Host) -> None:
    """The terminal's first size, when it has a terminal and the client told one
    (WithConsoleSize)."""
    height, width = request.host_config.console_size
    if request.config.tty and (height > 0 or width > 0):
        spec.process.console_size = Box(height=height, width=width)


def create_daemon_environment(
    hostname: str, tty: bool, linked: Sequence[str], env: Sequence[str]
) -> list[str]:
    """PATH, HOSTNAME and TERM, as the container's own variables override them
    (CreateDaemonEnvironment)."""
    defaults = [f"PATH={DEFAULT_PATH}", f"HOSTNAME={hostname}"]
    if tty:
        defaults.append("TERM=xterm")
    return replace_or_append_env_values([*defaults, *linked], env)


def replace_or_append_env_values(defaults: Sequence[str], overrides: Iterable[str]) -> list[str]:
    """Overrides take their default's place or are appended; one without `=` removes its default
    (ReplaceOrAppendEnvValues)."""
    values: list[str] = list(defaults)
    places = {value.partition("=")[0]: place for place, value in enumerate(values)}
    for override in overrides:
        key, equals, _ = override.partition("=")
        place = places.get(key)
        if place is not None:
            values[place] = override if equals else ""
        elif equals:
            values.append(override)
    return [value for value in values if value]


def merge_ulimits(chosen: Sequence[Ulimit], defaults: Mapping[str, Ulimit]) -> list[Ulimit]:
    """moby mergeUlimits; the engine's own come in the order of their names."""
    named = {limit.name for limit in chosen}
    return [*chosen, *(defaults[name] for name in sorted(defaults.keys() - named))]


def _wants_init(request: SpecRequest) -> bool:
    """Only with a PID namespace of its own: in another's there is an init already."""
    chosen = request.host_config.init
    wanted = request.init if chosen is None else chosen
    return wanted and PidMode(request.host_config.pid_mode).is_private


def _add_init(spec: Spec, request: SpecRequest) -> None:
    spec.process.args = [IN_CONTAINER_INIT_PATH, "--", *spec.process.args]
    source = request.init_path or lookup_init_path()
    spec.mounts.append(Mount(IN_CONTAINER_INIT_PATH, "bind", source, ["bind", "ro"]))


def _add_default_sysctls(spec: Spec, host: Host) -> None:
    """Any user may ping, and open ports below 1024: capabilities to do so are granted anyway."""
    values = {
        "net.ipv4.ping_group_range": "" if host.in_user_namespace else "0 2147483647",
        "net.ipv4.ip_unprivileged_port_start": "0",
    }
    for name, value in values.items():
        if value and name in host.sysctls:
            spec.linux.sysctl[name] = value
