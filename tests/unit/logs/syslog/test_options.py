"""The syslog-* options; texts as dockerd 28.5 says them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from runner.logs import validate_log_opts
from runner.logs.syslog.options import Address, parse_address, parse_facility, tls_context
from runner.types.container import LogConfig
from runner.types.errors import InvalidParameter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("", Address("", "")),
        ("udp://192.168.0.42:123", Address("udp", "192.168.0.42:123")),
        ("udp://192.168.0.42", Address("udp", "192.168.0.42:514")),
        ("tcp://h", Address("tcp", "h:514")),
        ("tcp+tls://[::1]:6514", Address("tcp+tls", "[::1]:6514")),
        ("tcp://", Address("tcp", ":514")),
        ("tcp://[::1]", Address("tcp", "[[::1]]:514")),  # refused when dialled, as by dockerd
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


def test_unix_addresses_have_to_be_there(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for scheme in ("unix", "unixgram"):
        with pytest.raises(ValueError, match=f"^stat {path}: no such file or directory$"):
            parse_address(f"{scheme}://{path}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert parse_address(f"unix://{path}") == Address("unix", str(path))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"foo": "1"}, "unknown log opt 'foo' for syslog log driver"),
        ({"max-size": "1"}, "unknown log opt 'max-size' for syslog log driver"),
        ({"syslog-address": "foo"}, "unsupported scheme: ''"),
        ({"syslog-address": "http://x"}, "unsupported scheme: 'http'"),
        ({"syslog-address": "localhost:514"}, "unsupported scheme: 'localhost'"),
        (
            {"syslog-address": "127.0.0.1:514"},
            'parse "127.0.0.1:514": first path segment in URL cannot contain colon',
        ),
        ({"syslog-address": "tcp://::1"}, "address ::1: too many colons in address"),
        ({"syslog-facility": "nosuch"}, "invalid syslog facility"),
        ({"syslog-facility": "24"}, "invalid syslog facility"),
        ({"syslog-facility": "-1"}, "invalid syslog facility"),
        ({"syslog-format": "rfc1"}, "Invalid syslog format"),
    ],
)
def test_refused_at_create(options: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        validate_log_opts(LogConfig(type="syslog", config=options))
    assert str(caught.value) == text


def test_accepted_at_create() -> None:
    """What is only looked at when the container starts."""
    options = {
        "syslog-address": "tcp+tls://h",
        "syslog-tls-ca-cert": "/nosuch",
        "syslog-tls-skip-verify": "",
        "tag": "{{.Nope}}",
        "labels": "a",
        "env-regex": "(",
        "mode": "non-blocking",
        "cache-max-size": "x",
    }
    validate_log_opts(LogConfig(type="syslog", config=options))


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 3), ("kern", 0), ("ftp", 11), ("local0", 16), ("local7", 23), ("0", 0), ("23", 23)],
)
def test_facilities(text: str, number: int) -> None:
    assert parse_facility(text) == number


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"ca-cert": "/nosuch"},
            'could not read CA certificate "/nosuch": open /nosuch: no such file or directory',
        ),
        ({"ca-cert": "EMPTY"}, 'failed to append certificates from PEM file: "EMPTY"'),
        (
            {"cert": "/nosuch"},
            "could not load X509 key pair: open /nosuch: no such file or directory",
        ),
        (
            {"cert": "EMPTY"},
            "could not load X509 key pair: open : no such file or directory",
        ),
        (
            {"cert": "EMPTY", "key": "EMPTY"},
            "could not load X509 key pair: no valid private key found",
        ),
    ],
)
def test_bad_tls_files(tmp_path: Path, options: dict[str, str], text: str) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    given = {
        f"syslog-tls-{name}": value.replace("EMPTY", str(empty)) for name, value in options.items()
    }
    with pytest.raises(ValueError) as caught:
        tls_context(given)
    assert str(caught.value) == text.replace("EMPTY", str(empty))


def test_an_authority_that_is_not_asked_is_not_read() -> None:
    tls_context({"syslog-tls-skip-verify": "false", "syslog-tls-ca-cert": "/nosuch"})
