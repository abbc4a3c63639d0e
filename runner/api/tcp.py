"""TCP addresses of the API: who may connect, and what is said when anybody may (moby
cmd/dockerd loadListeners, newAPIServerTLSConfig; docker/go-connections tlsconfig).

Whoever may talk to the API is root on this host. So a TCP address wants clients' certificates
(--tlsverify). Without, dockerd opens it with warnings and after a while, and means to refuse one
day; here that must be asked for in so many words.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.types.errors import InvalidParameter, System
from runner.types.gotext import quote
from runner.types.gourl import join_host_port, parse_url, split_host_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

BACKLOG: Final = 1024
_DEFAULT_NAME: Final = "localhost"
_DEFAULT_PORT: Final = "2375"
_LAST_PORT: Final = 65535
_DELAY: Final = 1.0

_WHO: Final = "Access to the remote API is equivalent to root access on the host. Refer"
_REMOVAL: Final = (
    "In future versions this will be a hard failure preventing the daemon from starting! "
    "Learn more at: https://docs.docker.com/go/api-security/"
)


@dataclass(frozen=True, slots=True)
class TLSFiles:
    """The server's certificate, its key, and the authority of the clients' certificates; without
    one (--tlsverify=false) whoever connects is let in."""

    certificate: Path
    key: Path
    client_ca: Path | None

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or later, HTTP/1.1. Raises InvalidParameter."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self._load_certificate(context)
        if self.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            _load_authority(context, self.client_ca)
        return context

    def _load_certificate(self, context: ssl.SSLContext) -> None:
        pair = f"(cert: {quote(str(self.certificate))}, key: {quote(str(self.key))})"
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except FileNotFoundError as err:
            text = f"invalid TLS configuration: could not load X509 key pair {pair}: {err.strerror}"
            raise InvalidParameter(text) from err
        except (OSError, ValueError) as err:
            text = (
                "invalid TLS configuration: error reading X509 key pair - make sure the key is not "
                f"encrypted {pair}: {err}"
            )
            raise InvalidParameter(text) from err


def _no_password() -> str:
    """Instead of asking for one on the terminal."""
    raise ValueError("the key is encrypted")


def _load_authority(context: ssl.SSLContext, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as err:
        text = f"failed to append certificates from PEM file: {quote(str(path))}"
        raise InvalidParameter(f"invalid TLS configuration: {text}") from err
    except OSError as err:
        text = f"could not read CA certificate {quote(str(path))}: {err.strerror}"
        raise InvalidParameter(f"invalid TLS configuration: {text}") from err


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use TCP addresses. `meant`: that not everybody is turned away was said in so many
    words (--tls=false, --tlsverify=false)."""

    tls: TLSFiles | None = None
    meant: bool = False

    @property
    def guarded(self) -> bool:
        """Whether only clients with a certificate may."""
        return self.tls is not None and self.tls.client_ca is not None


def listen_tcp(address: str, access: Access) -> tuple[socket.socket, ssl.SSLContext | None]:
    """Open `HOST:PORT`, either of which has a default. Raises InvalidParameter, System.

    An address that anybody may use is opened after a second, and only if that is meant.
    """
    name, port = _parse(address)
    context = access.tls.context() if access.tls else None
    if not access.guarded:
        shown = f"tcp://{join_host_port(name, port)}"
        if not access.meant:
            raise InvalidParameter(
                f"whoever reaches {shown} would be root on this host: let clients show "
                "certificates (--tlsverify, with --tlscacert, --tlscert and --tlskey), or say "
                "--tls=false if that is meant"
            )
        _warn(shown)
    return _bind(name, int(port)), context


def warnings_of(hosts: Sequence[str], access: Access) -> list[str]:
    """What `docker info` warns of (daemon/info.go fillAPIInfo)."""
    return list(_warnings(hosts, access)) if not access.guarded else []


def _warnings(hosts: Sequence[str], access: Access) -> Iterator[str]:
    scheme, lack = ("https", "TLS client verification") if access.tls else ("http", "encryption")
    for host in hosts:
        if host.startswith("tcp://"):
            where = join_host_port(*_parse(host.removeprefix("tcp://")))
            yield (
                f"[DEPRECATION NOTICE]: API is accessible on {scheme}://{where} without {lack}."
                f"\n         {_WHO}"
                "\n         to the 'Docker daemon attack surface' section in the documentation for"
                "\n         more information: https://docs.docker.com/go/attack-surface/"
                f"\n{_REMOVAL}"
            )


def _parse(address: str) -> tuple[str, str]:
    """Host and port (opts.ParseTCPAddr)."""
    shown = f"tcp://{address}"
    try:
        url = parse_url(shown)
        if url.path:
            raise ValueError("should not contain a path element")
        bare = not url.host.rpartition("]")[2].startswith(":") and url.host.count(":") != 1
        name, port = (url.host.strip("[]"), "") if bare else split_host_port(url.host)
        port = port or _DEFAULT_PORT
        if not 0 < int(port) <= _LAST_PORT:
            raise ValueError(f"invalid port: {port}")
    except ValueError as err:
        raise InvalidParameter(f"invalid bind address ({shown}): {err}") from err
    return name or _DEFAULT_NAME, port


def _warn(host: str) -> None:
    for text in (
        (
            "Binding to IP address without --tlsverify is insecure and gives root access on this "
            "machine to everyone who has access to your network."
        ),
        (
            "Binding to an IP address, even on localhost, can also give access to scripts run in a "
            "browser. Be safe out there!"
        ),
        f"[DEPRECATION NOTICE] {_REMOVAL}",
    ):
        log.warning("%s: %s", host, text)
    time.sleep(_DELAY)


def _bind(name: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    both = name == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            (name, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )
    except (OSError, OverflowError) as err:
        where = join_host_port(name, str(port))
        raise System(f"cannot listen on tcp://{where}: {err}") from err
