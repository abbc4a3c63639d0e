"""Where the registry of a reference's domain is, and how it may be spoken to.

Source: containerd core/remotes/docker/config/hosts.go, as dockerd uses it.
"""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yarl

from runner.types.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_HUB_NAMES = frozenset({"docker.io", "index.docker.io"})
_HUB_HOST = "registry-1.docker.io"


class Capability(enum.Flag):
    """What a host is asked for. To resolve is to say what a tag means."""

    PULL = enum.auto()
    RESOLVE = enum.auto()
    PUSH = enum.auto()
    ALL = PULL | RESOLVE | PUSH


@dataclass(frozen=True, slots=True)
class Tls:
    """Whose certificates are trusted and which are shown: files, a key in the file of its
    certificate where it has none of its own."""

    verify: bool = True
    authorities: tuple[Path, ...] = ()
    pairs: tuple[tuple[Path, Path | None], ...] = ()

    def context(self) -> ssl.SSLContext | bool:
        """As aiohttp takes it, True and False being its own contexts. Reads the files.

        Raises RunnerError for one that cannot be read.
        """
        if not (self.authorities or self.pairs):
            return self.verify
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        for path in self.authorities:
            with _reading(f'unable to load CA cert "{path}"'):
                context.load_verify_locations(path)
        for certificate, key in self.pairs:
            with _reading("failed to load X509 key pair"):
                context.load_cert_chain(certificate, key)
        return context

    def for_others(self) -> Tls:
        """What of it holds for servers that the registry only names: the authorities. They have
        to prove who they are, and do not see our certificates."""
        return Tls(authorities=self.authorities)


@contextlib.contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as err:  # an ssl.SSLError is one as well
        raise RunnerError(f"{what}: {err}") from err


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A registry's host with the schemes to try, in order. `path` is where its API begins, the
    time-out is for connecting, in seconds."""

    host: str
    schemes: tuple[str, ...]
    tls: Tls = Tls()
    path: str = "/v2"
    capabilities: Capability = Capability.ALL
    headers: Mapping[str, str] = field(default_factory=dict)
    dial_timeout: float = 30

    def is_mirror_of(self, domain: str) -> bool:
        """Whether it is another host than the one that the domain itself stands for."""
        return self.host not in {domain, registry_host(domain)}

    def serves(self, url: yarl.URL) -> bool:
        """Whether the URL is one of this host, by a scheme that it may be spoken to by."""
        own = [yarl.URL(f"{scheme}://{self.host}") for scheme in self.schemes]
        return (url.scheme, url.host, url.port) in [(o.scheme, o.host, o.port) for o in own]


def registry_host(domain: str) -> str:
    """The host (and port) that serves a domain's repositories."""
    return _HUB_HOST if domain in _HUB_NAMES else domain


def endpoint(domain: str, tls: Tls | None = None) -> Endpoint:
    """The domain's own host. Loopback registries may speak plain HTTP, all others must speak HTTPS.

    The certificate of a loopback registry is not checked: nobody else can answer there, and test
    registries sign their own.
    """
    host = registry_host(domain)
    tls = tls or Tls()
    name, port = split(host)
    if not _is_loopback(name):
        return Endpoint(host, ("https",), tls)
    unverified = Tls(False, tls.authorities, tls.pairs)
    if port in {"", "443"}:
        return Endpoint(host, ("https",), unverified)
    if port == "80":
        return Endpoint(host, ("http",), unverified)
    return Endpoint(host, ("https", "http"), unverified)


def split(host: str) -> tuple[str, str]:
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
