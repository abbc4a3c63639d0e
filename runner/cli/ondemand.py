"""Starting the default engine when it does not answer, once, however many commands ask for it."""

from __future__ import annotations

import fcntl
import os
import sys
import time

from runner.cli.errors import CliError, os_error
from runner.client.address import DEFAULT_HOST, parse_host
from runner.client.client import EngineClient
from runner.client.errors import ClientError
from runner.client.system import ping
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.client.errors import ConnectionFailed

ENGINE = ("-m", "runner.api.serve")
"""What Python is given to be the engine, which the command line itself never imports."""
LOCK = "/run/runner.lock"
LOG = "/var/log/runner.log"
READY_SECONDS = 60.0
"""How long the engine may take: it restores every container before it answers."""
_PAUSE_SECONDS = 0.02
_LAST_WORDS = 4096


def start_engine(failure: ConnectionFailed) -> None:
    """Start the engine and return when it answers.

    Raises CliError with one sentence that says what is missing and what to do.
    """
    if os.geteuid() != 0:
        raise CliError(
            f"runner's engine does not run and only root can start it: run this with sudo, or "
            f"name an engine that runs with --host (tried {DEFAULT_HOST})"
        )
    try:
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise CliError(f"cannot start runner's engine: {os_error(err)}") from failure
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _answers():  # whoever held the lock before may have started it
            _start()
    finally:
        os.close(lock)


def _answers() -> bool:
    try:
        ping(EngineClient(DEFAULT_HOST))
    except RunnerError as err:
        return not isinstance(err, ClientError)
    return True


def _start() -> None:
    """Start it with its words in the log, and wait until it answers or ends."""
    try:
        log = os.open(LOG, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    except OSError as err:
        raise CliError(f"cannot start runner's engine: {os_error(err)}") from err
    start = os.lseek(log, 0, os.SEEK_END)
    process = _spawn(log)
    deadline = time.monotonic() + READY_SECONDS
    while not _answers():
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            raise CliError(_reason(log, start, os.waitstatus_to_exitcode(status)))
        if time.monotonic() > deadline:
            raise CliError(
                f"runner's engine has not become ready in {READY_SECONDS:.0f} seconds; see {LOG}"
            )
        time.sleep(_PAUSE_SECONDS)
    os.close(log)


def _spawn(log: int) -> int:
    """The engine in a session of its own, without our terminal, folder or descriptors."""
    path = parse_host(DEFAULT_HOST).path
    process = os.fork()
    if process:
        return process
    try:
        os.setsid()
        os.chdir("/")
        os.umask(0o022)
        null = os.open("/dev/null", os.O_RDWR)
        for fd, source in ((0, null), (1, log), (2, log)):
            os.dup2(source, fd)
        os.execv(sys.executable, [sys.executable, *ENGINE, f"--host=unix://{path}"])  # noqa: S606
    finally:
        os._exit(127)


def _reason(log: int, start: int, code: int) -> str:
    """The engine's own last line, which says what is wrong and what to do about it."""
    size = os.lseek(log, 0, os.SEEK_END) - start
    words = os.pread(log, _LAST_WORDS, start + max(0, size - _LAST_WORDS))
    lines = [line for line in words.decode("utf-8", "replace").splitlines() if line.strip()]
    if lines:
        words_of_its_own = lines[-1].strip().removeprefix("runner: ")
        return f"cannot start runner's engine: {words_of_its_own}"
    return f"cannot start runner's engine: it ended with code {code}; see {LOG}"
