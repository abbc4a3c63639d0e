"""URLs and addresses in Go's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.types.gourl import GoURL, join_host_port, parse_url, split_host_port


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", GoURL("", "", "")),
        ("foo", GoURL("", "", "foo")),
        ("tcp://h:514", GoURL("tcp", "h:514", "")),
        ("TCP+TLS://user:pw@h:514/p?q#f", GoURL("tcp+tls", "h:514", "/p")),
        ("udp://[::1]:514", GoURL("udp", "[::1]:514", "")),
        ("udp://::1", GoURL("udp", "::1", "")),
        ("tcp://h:", GoURL("tcp", "h:", "")),
        ("unix:///dev/log", GoURL("unix", "", "/dev/log")),
        ("unix:/dev/log", GoURL("unix", "", "/dev/log")),
        ("unix://dev/log", GoURL("unix", "dev", "/log")),
        ("unix:///a%20b", GoURL("unix", "", "/a b")),
        ("localhost:514", GoURL("localhost", "", "")),
        ("//h/p", GoURL("", "h", "/p")),
        ("///p", GoURL("", "", "///p")),
    ],
)
def test_parts(text: str, parts: GoURL) -> None:
    assert parse_url(text) == parts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (":x", "missing protocol scheme"),
        ("127.0.0.1:514", "first path segment in URL cannot contain colon"),
        ("tcp://h:abc", 'invalid port ":abc" after host'),
        ("tcp://[::1", "missing ']' in host"),
        ("tcp://[::1]x", 'invalid port "x" after host'),
        ("tcp://a%zzb", 'invalid URL escape "%zz"'),
        ("tcp://a%41b", 'invalid URL escape "%41"'),
        ("tcp://a%4", 'invalid URL escape "%4"'),
        ("tcp://a b", 'invalid character " " in host name'),
        ("tcp://a^b", 'invalid character "^" in host name'),
        ("unix:///a%b", 'invalid URL escape "%b"'),
        ("tcp://a\nb", "net/url: invalid control character in URL"),
    ],
)
def test_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_url(text)
    quoted = text.replace("\n", "\\n")
    assert str(caught.value) == f'parse "{quoted}": {reason}'


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("h:514", "h", "514"),
        (":514", "", "514"),
        ("h:", "h", ""),
        ("[::1]:514", "::1", "514"),
        ("[]:514", "", "514"),
    ],
)
def test_host_and_port(text: str, host: str, port: str) -> None:
    assert split_host_port(text) == (host, port)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing port in address"),
        ("h", "missing port in address"),
        ("[::1]", "missing port in address"),
        ("[[::1]]:514", "missing port in address"),
        ("::1", "too many colons in address"),
        ("a:b:c", "too many colons in address"),
        ("[::1]:5:14", "too many colons in address"),
        ("[::1:514", "missing ']' in address"),
        ("a[b:514", "unexpected '[' in address"),
        ("a]b:514", "unexpected ']' in address"),
    ],
)
def test_no_host_and_port(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        split_host_port(text)
    assert str(caught.value) == f"address {text}: {reason}"


@given(st.text(alphabet="abc.:-%1", max_size=20), st.integers(0, 65535))
def test_what_is_joined_can_be_split(host: str, port: int) -> None:
    assert split_host_port(join_host_port(host, str(port))) == (host, str(port))


@given(st.text(max_size=30))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        parse_url(text)
    except ValueError as err:
        assert str(err).startswith('parse "')
