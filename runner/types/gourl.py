"""URLs and network addresses as Go takes them apart, with its words for what is wrong with them.

Source: net/url Parse, net SplitHostPort and JoinHostPort.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from runner.types.gotext import quote

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PORT: Final = re.compile(r"(:[0-9]*)?")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_BAD_HOST_ESCAPE: Final = re.compile(r"%(?!25)[0-7][0-9A-Fa-f]")
_NO_HOST_CHARACTER: Final = re.compile(r"""[\x00-\x7f](?<![A-Za-z0-9._~!$&'()*+,;=:\[\]<>"%-])""")


class GoURL(NamedTuple):
    """The parts that are of use here; `host` has its port."""

    scheme: str
    host: str
    path: str


def parse_url(text: str) -> GoURL:
    """net/url's Parse, without user, query and fragment. Raises ValueError."""
    url = text.partition("#")[0]
    try:
        return _parse(url)
    except ValueError as err:
        raise ValueError(f"parse {quote(url)}: {err}") from None


def split_host_port(text: str) -> tuple[str, str]:
    """net.SplitHostPort. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise _address_error(text, "missing port in address")
    rest = text
    if text.startswith("["):
        end = text.find("]")
        if end < 0:
            raise _address_error(text, "missing ']' in address")
        if end + 1 != len(host):
            extra = text[end + 1 :].startswith(":")
            reason = "too many colons in address" if extra else "missing port in address"
            raise _address_error(text, reason)
        host, rest = text[1:end], text[1:end] + text[end + 1 :]
    elif ":" in host:
        raise _address_error(text, "too many colons in address")
    for bracket in "[]":
        if bracket in rest:
            raise _address_error(text, f"unexpected '{bracket}' in address")
    return host, port


def join_host_port(host: str, port: str) -> str:
    """net.JoinHostPort: brackets around what has a colon itself."""
    return f"[{host}]:{port}" if ":" in host or "%" in host else f"{host}:{port}"


def _address_error(text: str, reason: str) -> ValueError:
    return ValueError(f"address {text}: {reason}")


def _parse(url: str) -> GoURL:
    if any(character < " " or character == "\x7f" for character in url):
        raise ValueError("net/url: invalid control character in URL")
    scheme, rest = _split_scheme(url)
    rest = rest.partition("?")[0]
    if not rest.startswith("/"):
        if scheme:
            return GoURL(scheme, "", "")  # what follows is opaque
        if ":" in rest.partition("/")[0]:
            raise ValueError("first path segment in URL cannot contain colon")
    host = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        host, rest = _host(authority.rpartition("@")[2]), slash + path
    return GoURL(scheme, host, _unescape(rest))


def _split_scheme(url: str) -> tuple[str, str]:
    if url.startswith(":"):
        raise ValueError("missing protocol scheme")
    found = _SCHEME.match(url)
    return (found[1].lower(), url[found.end() :]) if found else ("", url)


def _host(host: str) -> str:
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0:
            raise ValueError("missing ']' in host")
        port = host[end + 1 :]
    else:
        port = host[host.rfind(":") :] if ":" in host else ""
    if not _PORT.fullmatch(port):
        raise ValueError(f"invalid port {quote(port)} after host")
    if bad := _NO_HOST_CHARACTER.search(host):
        raise ValueError(f"invalid character {quote(bad[0])} in host name")
    if bad := _BAD_HOST_ESCAPE.search(host):
        raise ValueError(f"invalid URL escape {quote(bad[0])}")
    return _unescape(host)


def _unescape(text: str) -> str:
    if bad := _BAD_ESCAPE.search(text):
        raise ValueError(f"invalid URL escape {quote(bad[0])}")
    return unquote(text, errors="surrogateescape")
