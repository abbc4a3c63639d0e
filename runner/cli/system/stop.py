"""`system stop`: ends the engine behind a unix socket; what it runs goes on."""

from __future__ import annotations

import os
import select
import signal
import socket

from runner.cli.context import warn
from runner.cli.errors import CliError, os_error
from runner.cli.ondemand import ENGINE
from runner.client.address import DEFAULT_HOST, parse_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.system import StopEngineOptions

_PATIENCE = 60
_PID_SIZE = 4  # of struct ucred, which begins with it


def run(context: Context, options: StopEngineOptions) -> int:
    """Ask the engine to end, and wait until it has."""
    host = context.host or DEFAULT_HOST
    path = parse_host(host).path
    if not path:
        raise CliError(f"only an engine on this host can be stopped, by its unix socket: {host}")
    pid = _listener(path)
    if pid is None:
        warn(f"no engine runs at {host}")
        return 0
    try:
        process = os.pidfd_open(pid)
        _check_is_engine(pid, host)
        signal.pidfd_send_signal(process, signal.SIGTERM)
    except ProcessLookupError:
        return 0
    except OSError as err:
        raise CliError(f"cannot stop the engine at {host}: {os_error(err)}") from err
    seconds = _PATIENCE if options.timeout is None else options.timeout
    if not select.select([process], [], [], seconds)[0]:
        raise CliError(f"the engine at {host} (pid {pid}) has not ended in {seconds} s")
    return 0


def _listener(path: str) -> int | None:
    """Who made the socket, or None when nobody listens."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as err:
            raise CliError(os_error(err)) from err
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PID_SIZE)
    return int.from_bytes(credentials, "little")


def _check_is_engine(pid: int, host: str) -> None:
    if pid == 1:
        raise CliError(f"systemd listens at {host}: systemctl stop runner.socket runner.service")
    with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
        words = file.read().split("\0")
    if ENGINE[-1] not in words:
        raise CliError(f"what listens at {host} is not runner's engine (pid {pid})")
