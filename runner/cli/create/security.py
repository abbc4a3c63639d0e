"""--security-opt: profiles are read here, `systempaths` is resolved here (docker/cli opts.go)."""

from __future__ import annotations

from runner.cli.errors import CliError, os_error
from runner.cli.values.numbers import go_quote
from runner.client import jsontext

_BUILT_IN_PROFILES = ("builtin", "unconfined")
_SYSTEM_PATHS = "systempaths=unconfined"


def parse(options: list[str]) -> tuple[list[str], bool]:
    """HostConfig.SecurityOpt, and whether the system paths are to be left unmasked.

    Raises CliError with docker's text.
    """
    checked = [_option(text) for text in options]
    return [text for text in checked if text != _SYSTEM_PATHS], _SYSTEM_PATHS in checked


def _option(text: str) -> str:
    key, separator, value = text.partition("=")
    if not separator and key != "no-new-privileges":
        key, separator, value = text.partition(":")
    if not value and key != "no-new-privileges":
        raise CliError(f"Invalid --security-opt: {go_quote(text)}")
    if key == "seccomp" and value not in _BUILT_IN_PROFILES:
        return f"seccomp={_profile(value)}"
    return text


def _profile(path: str) -> str:
    """The profile's content, compacted: the engine may not see the client's files."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as err:
        raise CliError(f"opening seccomp profile ({path}) failed: {os_error(err)}") from err
    try:
        return jsontext.dumps(jsontext.loads(content))
    except ValueError as err:
        raise CliError(f"compacting json for seccomp profile ({path}) failed: {err}") from err


def capabilities(names: list[str] | None) -> list[str] | None:
    """Names in the one spelling that the engine stores: CAP_ in capitals, sorted, each once."""
    if not names:
        return None
    return sorted({_capability(name.strip().upper()) for name in names})


def _capability(name: str) -> str:
    return name if name == "ALL" or name.startswith("CAP_") else f"CAP_{name}"
