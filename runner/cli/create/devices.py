"""--device: host devices and CDI names (docker/cli parseLinuxDevice)."""

from __future__ import annotations

import os

from runner.cli.errors import CliError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ALNUM = _LETTERS | frozenset("0123456789")


def parse(devices: list[str]) -> tuple[list[dict[str, str]], list[str]]:
    """HostConfig.Devices, and the CDI names among what was asked for.

    Raises CliError with docker's text.
    """
    cdi = [text for text in devices if is_cdi_name(text)]
    return [_mapping(text) for text in devices if not is_cdi_name(text)], cdi


def requests(gpus: list[dict[str, Any]], cdi: list[str]) -> list[dict[str, Any]]:
    """HostConfig.DeviceRequests."""
    return [*gpus, {"Driver": "cdi", "DeviceIDs": cdi}] if cdi else gpus


def _mapping(text: str) -> dict[str, str]:
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise CliError(f"bad format for path: {text}")
    host, inside, mode = parts[0], parts[0], "rwm"
    if len(parts) == 3:
        inside, mode = parts[1], parts[2]
        if not _is_mode(mode):
            raise CliError(f"bad mode specified: {mode}")
    elif len(parts) == 2 and _is_mode(parts[1]):
        mode = parts[1]
    elif len(parts) == 2:
        inside = _clean(parts[1])
    if len(parts) == 1 or (len(parts) == 2 and mode != "rwm") or inside == host:
        host = inside = _clean(host)
    if not inside.startswith("/"):
        raise CliError(f"{inside} is not an absolute path")
    return {"PathOnHost": host, "PathInContainer": inside, "CgroupPermissions": mode}


def _is_mode(text: str) -> bool:
    """A composition of r, w and m, each at most once."""
    return bool(text) and set(text) <= set("rwm") and len(set(text)) == len(text)


def _clean(path: str) -> str:
    """Go's path.Clean; two leading slashes are one there."""
    cleaned = os.path.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("/") else cleaned


def is_cdi_name(text: str) -> bool:
    """`vendor/class=name` (CDI parser.IsQualifiedName)."""
    kind, separator, name = text.partition("=")
    vendor, slash, group = kind.partition("/")
    return (
        bool(separator and slash)
        and not text.startswith("/")
        and all(_is_word(part, _LETTERS, "_-.") for part in (vendor, group))
        and _is_word(name, _ALNUM, "_-.:")
    )


def _is_word(text: str, first: frozenset[str], inner: str) -> bool:
    return (
        bool(text)
        and text[0] in first
        and text[-1] in _ALNUM
        and all(char in _ALNUM or char in inner for char in text[1:-1])
    )
