"""`serve`: becomes the engine, which the command line itself never imports."""

from __future__ import annotations

import os
import sys

from runner.cli.ondemand import ENGINE
from runner.client import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from runner.cli.context import Context
    from runner.cli.declarations.system import ServeOptions

_TEXTS = (
    "data_root",
    "exec_root",
    "containerd",
    "containerd_namespace",
    "snapshotter",
    "bridge",
    "bip",
    "default_runtime",
    "cgroup_parent",
    "shutdown_timeout",
    "log_driver",
    "pidfile",
    "metrics_addr",
    "group",
    "tlscacert",
    "tlscert",
    "tlskey",
    "log_level",
    "log_format",
)


def run(context: Context, options: ServeOptions) -> NoReturn:
    """Replace this process by the engine."""
    hosts = options.host or ([context.host] if context.host else [])
    arguments = [f"--host={host}" for host in hosts]
    arguments += [
        f"--{name.replace('_', '-')}={value}"
        for name in _TEXTS
        if (value := getattr(options, name)) is not None
    ]
    if not options.live_restore:
        arguments.append("--no-live-restore")
    arguments += [f"--certs-dir={directory}" for directory in options.certs_dir or []]
    arguments += [f"--log-opt={option}" for option in options.log_opt or []]
    arguments += [
        f"--{name}" if chosen else f"--no-{name}"
        for name in ("tls", "tlsverify")
        if (chosen := getattr(options, name)) is not None
    ]
    if options.ip_forward_no_drop:
        arguments.append("--ip-forward-no-drop")
    if options.debug:
        arguments.append("--log-level=debug")
    output.flush()
    os.execv(sys.executable, [sys.executable, *ENGINE, *arguments])  # noqa: S606
