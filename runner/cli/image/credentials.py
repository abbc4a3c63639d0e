"""Registry credentials, from the file where `docker login` keeps them (docker/cli config)."""

from __future__ import annotations

import os

from runner.cli.errors import CliError
from runner.client import jsontext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HUB = "https://index.docker.io/v1/"


def encoded(domain: str) -> str:
    """The X-Registry-Auth header for a registry; empty when nobody has logged in there.

    Raises CliError when the file or a credential helper is broken.
    """
    settings = _settings()
    server = _HUB if domain == "docker.io" else domain
    helper = settings.get("credHelpers", {}).get(server) or settings.get("credsStore")
    found = _from_helper(helper, server) if helper else _from_file(settings, server)
    if not found:
        return ""
    from base64 import urlsafe_b64encode

    body = jsontext.dumps(found | {"serveraddress": server})
    return urlsafe_b64encode(body.encode()).decode()


def _settings() -> dict[str, Any]:
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")  # noqa: PTH111
    path = f"{folder}/config.json"
    try:
        with open(path, "rb") as file:
            settings = jsontext.loads(file.read())
    except OSError:
        return {}
    except ValueError as err:
        raise CliError(f"WARNING: Error loading config file: {path}: {err}") from err
    return settings if isinstance(settings, dict) else {}


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
    import subprocess

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, check=False
        )
    except OSError as err:
        raise CliError(f"error getting credentials - err: {program}: {err.strerror}") from err
    if done.returncode:
        return {}  # helpers say so when they know nothing of the server
    answer = jsontext.loads(done.stdout)
    if answer.get("Username") == "<token>":
        return {"identitytoken": answer["Secret"]}
    return {"username": answer["Username"], "password": answer["Secret"]}
