"""Options of the `local` driver: a device mounted as the volume (moby volume/local)."""

from __future__ import annotations

import ipaddress
import socket
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.linux.fstab import mount_fstab, parse_mount_options
from runner.linux.libc import error_text
from runner.types.errors import InvalidParameter, System
from runner.types.gotext import quote
from runner.types.units import ram_in_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_REQUIRED: Final = {"device": ("type",), "type": ("device",), "o": ("device", "type"), "size": ()}


@dataclass(frozen=True, slots=True)
class Device:
    """What is mounted as the volume's data, in mount(2)'s terms."""

    source: str
    fstype: str
    options: str


def validate_options(options: Mapping[str, str]) -> None:
    """Raise InvalidParameter for options that the driver does not know (moby validateOpts)."""
    for name in options:
        if name not in _REQUIRED:
            raise InvalidParameter(f"invalid option: {quote(name)}")
    if options.get("type") == "cifs" and _has_port(options.get("device", "")):
        raise InvalidParameter("port not allowed in CIFS device URL, include 'port' in 'o='")
    if "size" in options:
        _validate_size(options["size"])
    for name, required in _REQUIRED.items():
        for other in required:
            if name in options and other not in options:
                raise InvalidParameter(f"missing required option: {quote(other)}")


def device_of(options: Mapping[str, str]) -> Device | None:
    """What to mount, or None for a plain directory."""
    if not (options.get("device") or options.get("type")):
        return None
    return Device(options.get("device", ""), options.get("type", ""), options.get("o", ""))


def mount_device(device: Device, target: Path) -> None:
    """Mount it (moby localVolume.mount). Blocks, also for the look-up of a server's name.

    mount(2) is called, never a mount helper: as with dockerd, `addr=` must be among NFS's options.
    Raises System; a password in the options is not shown.
    """
    source, options = _resolved(device)
    parsed = parse_mount_options(options.split(",") if options else [])
    try:
        mount_fstab(source, target, device.fstype, parsed)
    except OSError as err:
        flags = f", flags: {hex(parsed.flags)}" if parsed.flags else ""
        data = f", data: {parsed.data}" if parsed.data else ""
        text = f"failed to mount local volume: mount {source}:{target}{flags}{data}"
        raise System(_without_password(f"{text}: {error_text(err)}", options)) from err


def _has_port(device: str) -> bool:
    try:
        return urllib.parse.urlsplit(device).port is not None
    except ValueError as err:
        raise InvalidParameter(f"error parsing mount device url: {err}") from err


def _validate_size(size: str) -> None:
    try:
        wanted = ram_in_bytes(size)
    except ValueError as err:
        raise InvalidParameter(str(err)) from err
    if wanted > 0:
        raise InvalidParameter("quota size requested but no quota support")


def _resolved(device: Device) -> tuple[str, str]:
    """Source and options with the server's name looked up, since the kernel cannot."""
    if not device.source:
        raise System("missing device in volume options")
    if device.fstype not in ("nfs", "cifs"):
        return device.source, device.options
    address = _option(device.options, "addr")
    if address and not _is_ip(address, (4,)):
        found = f"addr={_look_up(address)}"
        return device.source, device.options.replace(f"addr={address}", found, 1)
    host = urllib.parse.urlsplit(device.source).hostname or ""
    if device.fstype == "cifs" and not address and host and not _is_ip(host):
        return device.source.replace(host, _look_up(host), 1), device.options
    return device.source, device.options


def _option(options: str, name: str) -> str:
    prefix = f"{name}="
    words = (word for word in options.split(",") if word.startswith(prefix))
    return next(words, "").removeprefix(prefix)


def _is_ip(text: str, versions: tuple[int, ...] = (4, 6)) -> bool:
    try:
        return ipaddress.ip_address(text).version in versions
    except ValueError:
        return False


def _look_up(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as err:
        reason = f"lookup {host}: {err.strerror}"
        raise System(f"error resolving passed in network volume address: {reason}") from err
    # Like Go's ResolveIPAddr("ip", …): IPv4 where there is a choice.
    return str(min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0])


def _without_password(text: str, options: str) -> str:
    password = _option(options, "password")
    return text.replace(f"password={password}", "password=********", 1) if password else text
