"""Registry credentials, from the file where `docker login` keeps them (docker/cli config)."""

from __future__ import annotations

import os

from runner.cli.errors import CliError, os_error
from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HUB = "https://index.docker.io/v1/"
"""Where Docker Hub's credentials are kept."""

_TOKEN = "<token>"  # noqa: S105 - the name that helpers know identity tokens by
_VERBS = {"get": "getting", "store": "storing", "erase": "erasing"}


def encoded(domain: str) -> str:
    """The X-Registry-Auth header for a registry; empty when nobody has logged in there.

    Raises CliError when the file or a credential helper is broken.
    """
    server = server_of(domain)
    found = get(server)
    if not found:
        return ""
    from base64 import urlsafe_b64encode

    body = jsontext.dumps(found | {"serveraddress": server})
    return urlsafe_b64encode(body.encode()).decode()


def server_of(domain: str) -> str:
    """The name under which a registry's credentials are kept."""
    return HUB if domain in ("", "docker.io", "index.docker.io", HUB) else hostname(domain)


def hostname(server: str) -> str:
    """The host and port of an address with or without scheme and path."""
    return server.partition("://")[2].partition("/")[0] or server.partition("/")[0]


def get(server: str) -> dict[str, str]:
    """What is kept for the server: username and password or identitytoken; empty for nothing."""
    settings = _settings()
    helper = _helper(settings, server)
    return _from_helper(helper, server) if helper else _from_file(settings, server)


def store(server: str, found: dict[str, str]) -> str:
    """Keep them. Where that is the file and a password, the file's path, to warn of.

    Raises CliError.
    """
    settings = _settings()
    helper = _helper(settings, server)
    entry = {} if helper else _entry(found)
    if helper:
        _store_with_helper(helper, server, found)
    auths = settings.setdefault("auths", {})
    if auths.get(server) == entry:
        return ""
    auths[server] = entry
    _save(settings)
    return "" if helper or not found.get("password") else path()


def erase(server: str) -> None:
    """Forget them; it is as well when there are none. Raises CliError."""
    settings = _settings()
    if helper := _helper(settings, server):
        _ask_helper(helper, "erase", server)
    if settings.get("auths", {}).pop(server, None) is not None:
        _save(settings)


def path() -> str:
    """docker's settings file."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")  # noqa: PTH111
    return f"{folder}/config.json"


def _helper(settings: dict[str, Any], server: str) -> str:
    """The credential helper for the server; the file itself is none."""
    return str(settings.get("credHelpers", {}).get(server) or settings.get("credsStore") or "")


def _settings() -> dict[str, Any]:
    try:
        with open(path(), "rb") as file:
            settings = jsontext.loads(file.read())
    except OSError:
        return {}
    except ValueError as err:
        raise CliError(f"WARNING: Error loading config file: {path()}: {err}") from err
    return settings if isinstance(settings, dict) else {}


def _save(settings: dict[str, Any]) -> None:
    """Write the file whole, for nobody else to read; a link to it stays a link."""
    target = os.path.realpath(path())
    temporary = f"{target}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(target), 0o700, exist_ok=True)  # noqa: PTH103, PTH120
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "wb") as file:
            file.write(_indented(settings).encode() + b"\n")
        os.replace(temporary, target)  # noqa: PTH105
    except OSError as err:
        raise CliError(f"Error saving credentials: {os_error(err)}") from err


def _indented(settings: dict[str, Any]) -> str:
    """With tabs, as docker writes it."""
    lines = jsontext.indent(settings).split("\n")
    return "\n".join("\t" * ((len(x) - len(x.lstrip(" "))) // 4) + x.lstrip(" ") for x in lines)


def _entry(found: dict[str, str]) -> dict[str, str]:
    """An entry of the file."""
    from base64 import b64encode

    pair = f"{found.get('username', '')}:{found.get('password', '')}"
    entry = {} if pair == ":" else {"auth": b64encode(pair.encode()).decode()}
    token = found.get("identitytoken")
    return entry | ({"identitytoken": token} if token else {})


def _from_file(settings: dict[str, Any], server: str) -> dict[str, str]:
    """The entry for the server, under its name or its URL."""
    for name, entry in settings.get("auths", {}).items():
        host = name.removeprefix("https://").removeprefix("http://").partition("/")[0]
        if name != server and host != server:
            continue
        if entry.get("identitytoken"):
            return {"identitytoken": entry["identitytoken"]}
        if entry.get("auth"):
            from base64 import b64decode

            user, _, password = b64decode(entry["auth"]).decode().partition(":")
            return {"username": user, "password": password.rstrip("\0")}
    return {}


def _from_helper(helper: str, server: str) -> dict[str, str]:
    try:
        answer = jsontext.loads(_ask_helper(helper, "get", server))
    except _Unknown:
        return {}
    if answer.get("Username") == _TOKEN:
        return {"identitytoken": answer["Secret"]}
    return {"username": answer["Username"], "password": answer["Secret"]}


def _store_with_helper(helper: str, server: str, found: dict[str, str]) -> None:
    token = found.get("identitytoken")
    username, secret = (_TOKEN, token) if token else (found["username"], found["password"])
    given = {"ServerURL": server, "Username": username, "Secret": secret}
    _ask_helper(helper, "store", jsontext.dumps(given))


class _Unknown(CliError):
    """The helper has nothing for the server."""


def _ask_helper(helper: str, action: str, given: str) -> bytes:
    """docker-credential-helpers' protocol: the action as argument, the rest on stdin."""
    import subprocess

    program = f"docker-credential-{helper}"
    verb = _VERBS[action]
    try:
        done = subprocess.run(
            [program, action], input=given.encode(), capture_output=True, check=False
        )
    except OSError as err:
        text = f'exec: "{program}": executable file not found in $PATH'
        raise CliError(f"error {verb} credentials - err: {text}, out: ``") from err
    if done.returncode == 0:
        return done.stdout
    said = done.stdout.decode("utf-8", "replace").strip()
    kind = _Unknown if said == "credentials not found in native keychain" else CliError
    status = f"exit status {done.returncode}"
    raise kind(f"error {verb} credentials - err: {status}, out: `{said}`")
