"""Whatever a client sends, no other waits for it: the event loop goes on at once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from runner.api.body import _MEDIA_TYPE
from runner.api.negotiation import content_encoding
from runner.api.version import ApiVersion
from runner.engine.top import _TITLE
from runner.image import reference
from runner.types.timestamps import get_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.api.conftest import Api

_LONG = 50_000
_SECONDS = 2.0
"""What takes its time with the square of the length takes a minute."""


async def test_a_long_path_is_answered_at_once(api: Api) -> None:
    began = time.monotonic()
    reader, writer = await api.raw(b"GET " + b"/a" * _LONG + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(30):
        assert (await reader.readline()).split()[1] == b"404"
    writer.close()
    assert time.monotonic() - began < _SECONDS


def _try(function: Callable[[str], object], text: str) -> None:
    try:
        function(text)
    except Exception:
        return


@pytest.mark.parametrize(
    "piece", [" ", "a", "a-", "a.", "a/", ";", " ;", "=", " a=", "1.", "9h", ","]
)
@pytest.mark.parametrize(
    "function",
    [
        lambda text: content_encoding([text]),
        _MEDIA_TYPE.fullmatch,
        ApiVersion,
        _TITLE.search,
        reference.parse,
        get_timestamp,
    ],
)
def test_no_text_takes_long(function: Callable[[str], object], piece: str) -> None:
    began = time.monotonic()
    _try(function, piece * (_LONG // len(piece)) + "\0")
    assert time.monotonic() - began < _SECONDS
