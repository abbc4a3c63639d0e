"""`system install`: systemd units, so that the engine starts when it is first used."""

from __future__ import annotations

import os
import sys

from runner.cli.context import say
from runner.cli.errors import CliError, os_error
from runner.client.address import DEFAULT_HOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.system import InstallOptions

_FOLDER = "etc/systemd/system"
_SOCKET = """\
[Unit]
Description=runner engine socket

[Socket]
ListenStream={path}
SocketMode=0660
SocketUser=root
SocketGroup=root

[Install]
WantedBy=sockets.target
"""
# KillMode=process and Delegate=yes for dockerd's reasons: the containers outlive the engine, and
# their cgroups are not systemd's to tidy.
_SERVICE = """\
[Unit]
Description=runner engine
After=network-online.target firewalld.service containerd.service
Wants=network-online.target containerd.service
Requires=runner.socket

[Service]
Type=notify
ExecStart={python} -m runner serve --host fd://
Restart=on-failure
RestartSec=2
KillMode=process
Delegate=yes
TasksMax=infinity
LimitNOFILE=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""


def run(_context: Context, options: InstallOptions) -> int:
    """Write runner.socket and runner.service, or print them."""
    units = {
        "runner.socket": _SOCKET.format(path=DEFAULT_HOST.removeprefix("unix://")),
        "runner.service": _SERVICE.format(python=sys.executable),
    }
    folder = os.path.join(options.root, _FOLDER)  # noqa: PTH118 - cheap import
    for name, text in units.items():
        if options.print:
            say(f"# /{_FOLDER}/{name}\n{text}")
        else:
            _write(folder, name, text)
            say(f"{folder}/{name}")
    if not options.print:
        say("To use them: systemctl daemon-reload && systemctl enable --now runner.socket")
    return 0


def _write(folder: str, name: str, text: str) -> None:
    """Complete before it takes its place."""
    path = f"{folder}/{name}"
    try:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - cheap import
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(f"{path}.new", path)  # noqa: PTH105 - cheap import
    except OSError as err:
        raise CliError(os_error(err)) from err
