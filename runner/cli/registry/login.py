"""`login` and `logout` (docker/cli runLogin, runLogout)."""

from __future__ import annotations

import os
import sys

from runner.cli.context import say, warn
from runner.cli.errors import CliError, describe
from runner.cli.notes import note
from runner.cli.registry import credentials
from runner.client import system, terminal
from runner.types.errors import RunnerError, Unauthorized

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runner.cli.context import Context
    from runner.cli.declarations.system import LoginOptions, LogoutOptions

_UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
"""


def run(context: Context, options: LoginOptions) -> int:
    """Prove who we are to a registry, and remember it."""
    username, password = _given(options)
    server = credentials.server_of(options.server or "")
    stored = {} if username or password else credentials.get(server)
    if stored.get("username") and stored.get("password"):
        status = _try_stored(context, server, stored)
        if status:
            say(status)
            return 0
    username, password = _asked(username, password, stored.get("username", ""))
    say(_log_in(context, server, {"username": username, "password": password}))
    return 0


def run_logout(_: Context, options: LogoutOptions) -> int:
    """Forget what we know of a registry, under any of its names."""
    if not options.server:
        return _forget(credentials.HUB, [credentials.HUB])
    host = credentials.hostname(options.server)
    return _forget(host, [options.server, host, f"http://{host}", f"https://{host}"])


def _forget(shown: str, servers: list[str]) -> int:
    say(f"Removing login credentials for {shown}")
    failures: dict[str, str] = {}
    for server in servers:
        try:
            credentials.erase(server)
        except CliError as err:
            failures[server] = str(err)
    if len(failures) == len(set(servers)):
        warn("WARNING: could not erase credentials:")
        for server, failure in failures.items():
            warn(f"{server}: {failure}")
    return 0


def _given(options: LoginOptions) -> tuple[str, str]:
    """What the command line says (verifyLoginFlags)."""
    if options.password_stdin:
        if options.password is not None:
            raise CliError(
                "conflicting options: cannot specify both --password and --password-stdin"
            )
        if options.username is None:
            raise CliError("the --password-stdin option requires --username to be set")
    if options.username == "":
        raise CliError("username is empty")
    if options.password == "":
        raise CliError("password is empty")
    if options.password:
        warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
    if options.password_stdin:
        read = sys.stdin.read() if sys.stdin is not None else ""
        return options.username or "", read.removesuffix("\n").removesuffix("\r")
    return options.username or "", options.password or ""


def _asked(username: str, password: str, default: str) -> tuple[str, str]:
    """What is missing, from the user (PromptUserForCredentials)."""
    username, password = username.strip(), password.strip()
    if username and password:
        return username, password
    if not terminal.is_terminal(0):
        raise CliError("Error: Cannot perform an interactive login from a non TTY device")
    if not username:
        prompt = f"Username ({default}): " if default else "Username: "
        username = _read(prompt).strip() or default
        if not username:
            raise CliError("Error: Non-null Username Required")
    if not password:
        with terminal.NoEcho(0):
            password = _read("Password: ").strip()
        say("")
        if not password:
            raise CliError("Error: Password Required")
    return username, password


def _read(prompt: str) -> str:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.readline()


def _try_stored(context: Context, server: str, stored: dict[str, str]) -> str:
    """The registry's answer to what is kept; nothing when it wants something else."""
    name = stored["username"]
    warn(f"Authenticating with existing credentials... [Username: {name}]")
    note("To login with a different account, run 'runner logout' followed by 'runner login'", 2)
    warn("\n")
    try:
        return _log_in(context, server, stored)
    except Unauthorized:
        warn("Stored credentials invalid or expired")
    except RunnerError as err:
        warn(f"Login did not succeed, error: {describe(err)}")
    return ""


def _log_in(context: Context, server: str, found: dict[str, str]) -> str:
    """Ask the engine to try them, keep them, and say what the registry said."""
    answer = system.log_in(context.client(), found | {"serveraddress": server})
    if token := answer.get("IdentityToken"):
        found = {"username": found["username"], "identitytoken": token}
    if path := credentials.store(server, found):
        warn(_UNENCRYPTED.format(os.path.abspath(path)))  # noqa: PTH100
    return str(answer.get("Status", ""))
