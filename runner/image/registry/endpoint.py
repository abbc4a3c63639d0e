"""Where the registry of a reference's domain is, and how it may be spoken to.

Source: containerd core/remotes/docker/config/hosts.go, as dockerd uses it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

_HUB_NAMES = frozenset({"docker.io", "index.docker.io"})
_HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry's host with the schemes to try, in order."""

    host: str
    schemes: tuple[str, ...]
    verify: bool
    """Whether its certificate is checked. That of a loopback registry is not: nobody else can
    answer there, and test registries sign their own."""


def registry_host(domain: str) -> str:
    """The host (and port) that serves a domain's repositories."""
    return _HUB_HOST if domain in _HUB_NAMES else domain


def endpoint(domain: str) -> Endpoint:
    """Loopback registries may speak plain HTTP, all others must speak HTTPS."""
    host = registry_host(domain)
    name, port = _split(host)
    if not _is_loopback(name):
        return Endpoint(host, ("https",), verify=True)
    if port in {"", "443"}:
        return Endpoint(host, ("https",), verify=False)
    if port == "80":
        return Endpoint(host, ("http",), verify=False)
    return Endpoint(host, ("https", "http"), verify=False)


def _split(host: str) -> tuple[str, str]:
    """Name and port; an IPv6 address is in brackets."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
