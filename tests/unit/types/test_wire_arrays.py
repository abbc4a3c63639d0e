"""Go's arrays of a fixed length, as encoding/json fills them."""

from __future__ import annotations

import pytest

from runner.types.container import HostConfig
from runner.types.errors import InvalidParameter
from runner.types.exec import ExecStartOptions
from runner.types.wire import decode, encode


@pytest.mark.parametrize(
    ("given", "taken"), [("[]", (0, 0)), ("[24]", (24, 0)), ("[24,80,1]", (24, 80))]
)
def test_what_is_missing_is_zero_and_more_is_dropped(given: str, taken: tuple[int, int]) -> None:
    body = b'{"ConsoleSize":%b}' % given.encode()
    assert decode(body, ExecStartOptions).console_size == taken
    assert decode(body, HostConfig).console_size == taken


def test_null_is_none_given() -> None:
    assert decode(b'{"ConsoleSize":null}', ExecStartOptions).console_size is None
    assert decode(b'{"ConsoleSize":null}', HostConfig).console_size == (0, 0)
    assert b'"ConsoleSize":[0,0]' in encode(HostConfig())


@pytest.mark.parametrize("given", [b"[-1,1]", b'["1",1]', b"[1.5,1]", b"7"])
def test_what_is_no_size_is_refused(given: bytes) -> None:
    with pytest.raises(InvalidParameter, match=r"^invalid JSON: .*ConsoleSize"):
        decode(b'{"ConsoleSize":%b}' % given, HostConfig)
