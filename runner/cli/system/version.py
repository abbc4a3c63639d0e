"""`version`."""

from __future__ import annotations

import os
import sys

from runner import __version__
from runner.cli.errors import CliError, describe
from runner.cli.format import documents
from runner.cli.format.columns import align
from runner.client import system
from runner.client.client import API_VERSION
from runner.types.errors import RunnerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.system import VersionOptions

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_ENGINE = (
    ("API version", "ApiVersion"),
    ("Go version", "GoVersion"),
    ("Git commit", "GitCommit"),
    ("Built", "BuildTime"),
    ("Experimental", "Experimental"),
)


def run(context: Context, options: VersionOptions) -> int:
    """Show both sides' versions; the engine's absence is told after this side's."""
    layout = options.format or ""
    template = documents.parse(layout, name="version") if layout else None
    client = context.client()
    server, failure = None, ""
    try:
        server = _reformatted(system.version(client))
    except RunnerError as err:
        failure = describe(err)
    both = {"Client": _client(client.version), "Server": server}
    if template is None:
        text = align(_lines(both), minimum=20, padding=1)
    else:
        text, fault = documents.render_typed(template, "system.versionInfo", both)
        text, failure = align([*text.split("\n")], minimum=20, padding=1), failure or fault
    sys.stdout.write(text)
    if failure:
        raise CliError(failure)
    return 0


def _client(negotiated: str) -> dict[str, Any]:
    machine = os.uname().machine
    return {
        "Version": __version__,
        "ApiVersion": negotiated,
        "DefaultAPIVersion": API_VERSION,
        "PythonVersion": sys.version.split()[0],
        "Os": sys.platform,
        "Arch": _MACHINES.get(machine, machine),
    }


def _lines(both: dict[str, Any]) -> list[str]:
    client = both["Client"]
    negotiated, newest = client["ApiVersion"], client["DefaultAPIVersion"]
    downgraded = "" if negotiated == newest else f" (downgraded from {newest})"
    lines = [
        "Client:",
        f" Version:\t{client['Version']}",
        f" API version:\t{negotiated}{downgraded}",
        f" Python version:\t{client['PythonVersion']}",
        f" OS/Arch:\t{client['Os']}/{client['Arch']}",
    ]
    return lines + _server_lines(both["Server"]) if both["Server"] else lines


def _server_lines(server: dict[str, Any]) -> list[str]:
    name = (server.get("Platform") or {}).get("Name", "")
    lines = ["", f"Server: {name}".rstrip()]
    for component in server.get("Components") or []:
        details = component.get("Details") or {}
        lines += [f" {component['Name']}:", f"  Version:\t{component['Version']}"]
        if component["Name"] == "Engine":
            lines += _engine_lines(details)
        else:
            lines += [f"  {key}:\t{details[key]}" for key in sorted(details)]
    return lines


def _engine_lines(details: dict[str, str]) -> list[str]:
    lines = [f"  {label}:\t{details[key]}" for label, key in _ENGINE if details.get(key)]
    lines[:1] = [f"{lines[0]} (minimum version {details.get('MinAPIVersion', '')})"]
    platform = f"  OS/Arch:\t{details.get('Os', '')}/{details.get('Arch', '')}"
    return [*lines[:-1], platform, lines[-1]]


def _reformatted(server: dict[str, Any]) -> dict[str, Any]:
    """The engine's answer with its build time as people read it."""
    for component in server.get("Components") or []:
        details = component.get("Details") or {}
        if component["Name"] == "Engine" and "BuildTime" in details:
            details["BuildTime"] = _ansi_c(details["BuildTime"])
    return server


def _ansi_c(text: str) -> str:
    """An RFC 3339 moment as C's asctime shows it; anything else as it is."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).strftime("%a %b %e %H:%M:%S %Y")
    except ValueError:
        return text
