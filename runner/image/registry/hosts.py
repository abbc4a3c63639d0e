"""The hosts that an administrator has set for a registry: mirrors, certificates, headers.

`<directory>/<host>/hosts.toml` as containerd has it, or Docker's `*.crt`, `*.cert` and `*.key` in
the same place. Source: containerd core/remotes/docker/config/hosts.go, docs/hosts.md.
"""

from __future__ import annotations

import logging
import posixpath
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from runner.image.registry.endpoint import Capability, Endpoint, Tls, endpoint, split
from runner.types.errors import InvalidParameter
from runner.types.gotime import SECOND, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

DIRECTORIES: Final = (Path("/etc/docker/certs.d"), Path("/etc/containerd/certs.d"))
_CAPABILITIES: Final = {
    "pull": Capability.PULL,
    "resolve": Capability.RESOLVE,
    "push": Capability.PUSH,
}


@dataclass(frozen=True, slots=True)
class RegistryHosts:
    """What the directories say; of the first that knows a host."""

    directories: tuple[Path, ...] = DIRECTORIES

    def endpoints(self, domain: str) -> list[Endpoint]:
        """The hosts to ask for the domain's repositories, in order. Reads files.

        A hosts.toml that cannot be read is logged and left aside, as dockerd does.
        """
        folder = next(self._folders(domain), None)
        if folder is None:
            return [endpoint(domain)]
        file = folder / "hosts.toml"
        if file.exists() and (text := file.read_bytes()):
            try:
                return _parse(text.decode(), folder, domain)
            except (ValueError, InvalidParameter) as err:
                log.error("failed to decode %s: %s", file, err)
        return [endpoint(domain, _certificates(folder))]

    def _folders(self, domain: str) -> Iterator[Path]:
        name, colon, port = domain.rpartition(":")
        names = [f"{name}_{port}_"] if colon else []
        for directory in self.directories:
            for candidate in (*names, domain, "_default"):
                if (folder := directory / candidate).is_dir():
                    yield folder


def _certificates(folder: Path) -> Tls:
    """Docker's layout: authorities in *.crt, our own certificates in *.cert with *.key."""
    own = sorted(folder.glob("*.cert"))
    keys = [path.with_suffix(".key") for path in own]
    pairs = [(path, key if key.exists() else None) for path, key in zip(own, keys, strict=True)]
    return Tls(authorities=tuple(sorted(folder.glob("*.crt"))), pairs=tuple(pairs))


def _parse(text: str, folder: Path, domain: str) -> list[Endpoint]:
    """The hosts of hosts.toml in its order, and the server itself. Raises ValueError."""
    document = tomllib.loads(text)
    hosts = _table(document.get("host", {}), "host")
    return [
        *(_endpoint(url, _table(entry, url), folder, domain) for url, entry in hosts.items()),
        _endpoint(document.get("server", ""), document, folder, domain),
    ]


def _endpoint(server: str, entry: Mapping[str, Any], folder: Path, domain: str) -> Endpoint:
    """One host; without a name the domain's own (parseHostConfig)."""
    tls = _tls(entry, folder)
    own = replace(
        _named(server, entry, tls) if server else endpoint(domain, tls),
        headers=_headers(_table(entry.get("header", {}), "header")),
    )
    timeout = entry.get("dial_timeout")
    return replace(own, dial_timeout=parse_duration(timeout) / SECOND) if timeout else own


def _named(server: str, entry: Mapping[str, Any], tls: Tls) -> Endpoint:
    url = urlsplit(server if server.startswith("http") else f"https://{server}")
    path = posixpath.normpath(url.path) if url.path else ""
    if not (entry.get("override_path") or path.endswith("/v2")):
        path = f"{path.rstrip('/')}/v2"
    return Endpoint(
        url.netloc, _schemes(url.scheme, url.netloc, entry), tls, path, _capabilities(entry)
    )


def _schemes(scheme: str, host: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """A host with plain HTTP that has settings for TLS is asked by HTTPS first."""
    explicit = any(entry.get(key) is not None for key in ("ca", "client", "skip_verify"))
    both = scheme == "http" and explicit and split(host)[1] != "80"
    return ("https", "http") if both else (scheme,)


def _capabilities(entry: Mapping[str, Any]) -> Capability:
    found = Capability(0)
    for name in entry.get("capabilities", ()):
        if name.lower() not in _CAPABILITIES:
            raise ValueError(f"unknown capability {name}")
        found |= _CAPABILITIES[name.lower()]
    return found or Capability.ALL


def _tls(entry: Mapping[str, Any], folder: Path) -> Tls:
    return Tls(
        verify=not entry.get("skip_verify", False),
        authorities=tuple(folder / path for path in _texts(entry.get("ca", []), "ca")),
        pairs=tuple(_pair(pair, folder) for pair in _items(entry.get("client", []))),
    )


def _pair(pair: Any, folder: Path) -> tuple[Path, Path | None]:
    """`"file"` with certificate and key, or `["certificate", "key"]`."""
    files = _texts(pair, "client")
    if isinstance(pair, str):
        return folder / pair, None
    if len(files) != 2:
        raise ValueError(f'invalid pair {pair} for "client"')
    return folder / files[0], folder / files[1]


def _headers(header: Mapping[str, Any]) -> dict[str, str]:
    """Several values of one header are sent as one, which means the same (RFC 9110, 5.3)."""
    return {name: ", ".join(_texts(value, name)) for name, value in header.items()}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any, name: str) -> list[str]:
    items = _items(value)
    if not all(isinstance(item, str) for item in items):
        raise ValueError(f'invalid value {value} for "{name}"')
    return items


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f'"{name}" is no table')
    return value
