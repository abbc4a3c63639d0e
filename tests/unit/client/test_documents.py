"""Streamed documents, whatever the pieces that they arrive in."""

from __future__ import annotations

import itertools
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.client import http
from runner.client.documents import Dechunker, DocumentStream
from runner.client.errors import UnexpectedAnswer
from runner.client.transport import Connection

CONTENT = b'{"a":1}\n{"b":[2]}\n'
CHUNKED = b'8\r\n{"a":1}\n\r\n5;x=y\r\n{"b":\r\n5\r\n[2]}\n\r\n0\r\n\r\n'


@given(st.lists(st.integers(0, len(CHUNKED))))
def test_chunks_in_any_pieces(cuts: list[int]) -> None:
    dechunker = Dechunker()
    bounds = [0, *sorted(cuts), len(CHUNKED)]
    ended, content = False, b""
    for start, end in itertools.pairwise(bounds):
        if not ended and start != end:
            ended, piece = dechunker.feed(CHUNKED[start:end])
            content += piece
    assert (ended, content) == (True, CONTENT)


def test_what_is_no_chunk() -> None:
    with pytest.raises(UnexpectedAnswer, match="malformed chunk"):
        Dechunker().feed(b"xyz\r\n")


def stream(data: bytes, headers: dict[str, str]) -> tuple[DocumentStream, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    return DocumentStream(http.Response(Connection(ours), 200, headers)), theirs


def test_documents_as_they_come() -> None:
    found, peer = stream(CHUNKED[:-5], {"transfer-encoding": "chunked"})
    assert found.read() == [{"a": 1}, {"b": [2]}]
    assert not found.ended
    peer.sendall(CHUNKED[-5:])
    assert found.read() == []
    assert found.ended
    peer.close()
    found.close()


def test_a_stream_without_chunks_ends_with_the_connection() -> None:
    found, peer = stream(b'{"a":1}\n{"b"', {})
    assert found.read() == [{"a": 1}]
    peer.sendall(b":2}\n")
    assert found.read() == [{"b": 2}]
    peer.close()
    assert found.read() == []
    assert found.ended
    found.close()


def test_what_is_no_document() -> None:
    found, peer = stream(b"nonsense\n", {})
    with pytest.raises(UnexpectedAnswer, match="invalid message in the engine's stream"):
        found.read()
    peer.close()
    found.close()
