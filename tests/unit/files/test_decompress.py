"""Compressed archives on their way into a container."""

from __future__ import annotations

import io

import pytest

from runner.files.channel import Incoming
from runner.files.decompress import decompressed
from runner.files.errors import FilesError
from tests.support.images import COMPRESSORS

DATA = bytes(range(256)) * 10_000


def incoming(data: bytes) -> Incoming:
    return decompressed(Incoming(io.BytesIO(data).readinto))


@pytest.mark.parametrize("how", COMPRESSORS)
def test_the_data_come_as_they_were(how: str) -> None:
    stream = incoming(COMPRESSORS[how](DATA))
    assert stream.take(512) == DATA[:512]
    assert stream.skip(100_000) == 100_000
    rest = b""
    while piece := stream.take(70_000):
        rest += piece
    assert rest == DATA[100_512:]


@pytest.mark.parametrize("how", ["gzip", "bzip2", "xz", "zstd"])
def test_what_is_cut_off_or_damaged_is_refused(how: str) -> None:
    whole = COMPRESSORS[how](DATA)
    with pytest.raises(FilesError, match=r"^unexpected EOF$"):
        incoming(whole[:-3]).skip(len(DATA) + 1)
    with pytest.raises(FilesError, match="invalid compressed data: "):
        incoming(whole + b"garbage" * 10).skip(len(DATA) + 1)
