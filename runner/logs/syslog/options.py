"""The syslog-* options and dockerd's words for what is wrong with them.

Source: moby daemon/logger/syslog/syslog.go, docker/go-connections tlsconfig.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.logs.syslog.envelope import FORMATS
from runner.types.gotext import atoi, quote
from runner.types.gourl import join_host_port, parse_url, split_host_port

if TYPE_CHECKING:
    from collections.abc import Mapping

TLS: Final = "tcp+tls"
_DEFAULT_PORT: Final = "514"
_NAMES: Final = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp"
_FACILITIES: Final = {
    **{name: number for number, name in enumerate(_NAMES.split())},
    **{f"local{number}": number + 16 for number in range(8)},
}
_DAEMON: Final = _FACILITIES["daemon"]
_HIGHEST: Final = _FACILITIES["local7"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is: a network of Go's and its address there, both empty for the host's own.

    `text` is a path for `unix` and `unixgram`, host and port for `udp`, `tcp` and `tcp+tls`.
    """

    network: str = ""
    text: str = ""


def validate_syslog(options: Mapping[str, str]) -> None:
    """What is looked at when a container is created (moby ValidateLogOpt). Raises ValueError."""
    parse_address(options.get("syslog-address", ""))
    parse_facility(options.get("syslog-facility", ""))
    check_format(options.get("syslog-format", ""))


def parse_address(text: str, *, must_exist: bool = True) -> Address:
    """`syslog-address`. Raises ValueError, also for a socket that has to be there and is not."""
    if not text:
        return Address()
    url = parse_url(text)
    if url.scheme in ("unix", "unixgram"):
        if must_exist:
            _stat(url.path)
        return Address(url.scheme, url.path)
    if url.scheme not in ("udp", "tcp", TLS):
        raise ValueError(f"unsupported scheme: '{url.scheme}'")
    return Address(url.scheme, _with_port(url.host))


def _stat(path: str) -> None:
    try:
        Path(path).stat()
    except OSError as err:
        raise ValueError(f"stat {path}: {os.strerror(err.errno or 0).lower()}") from err


def _with_port(host: str) -> str:
    try:
        split_host_port(host)
    except ValueError as err:
        if "missing port in address" not in str(err):
            raise
        return join_host_port(host, _DEFAULT_PORT)
    return host


def parse_facility(text: str) -> int:
    """`syslog-facility`, a name or a number. Raises ValueError."""
    if not text:
        return _DAEMON
    if text in _FACILITIES:
        return _FACILITIES[text]
    try:
        number = atoi(text)
    except ValueError:
        number = -1
    if not 0 <= number <= _HIGHEST:
        raise ValueError("invalid syslog facility")
    return number


def check_format(text: str) -> None:
    """`syslog-format`. Raises ValueError."""
    if text not in FORMATS:
        raise ValueError("Invalid syslog format")


def tls_context(options: Mapping[str, str]) -> ssl.SSLContext:
    """The syslog-tls-* options (tlsconfig.Client). Raises ValueError.

    The authority is trusted beside the system's own, unless nothing is verified at all.
    """
    context = ssl.create_default_context()
    if "syslog-tls-skip-verify" in options:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authority := options.get("syslog-tls-ca-cert"):
        _trust(context, authority)
    _load_key_pair(context, options.get("syslog-tls-cert", ""), options.get("syslog-tls-key", ""))
    return context


def _trust(context: ssl.SSLContext, file: str) -> None:
    try:
        context.load_verify_locations(cafile=file)
    except ssl.SSLError as err:
        raise ValueError(f"failed to append certificates from PEM file: {quote(file)}") from err
    except OSError as err:
        reason = f"open {file}: {os.strerror(err.errno or 0).lower()}"
        raise ValueError(f"could not read CA certificate {quote(file)}: {reason}") from err


def _load_key_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    if not certificate and not key:
        return
    for file in (certificate, key):
        _check_readable(file)
    try:
        # an empty password: ssl would ask the terminal for one
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as err:
        reason = getattr(err, "reason", None) or "no valid private key found"
        raise ValueError(f"could not load X509 key pair: {reason.lower()}") from err


def _check_readable(file: str) -> None:
    try:
        with open(file, "rb"):
            pass
    except OSError as err:
        reason = os.strerror(err.errno or 0).lower()
        raise ValueError(f"could not load X509 key pair: open {file}: {reason}") from err
