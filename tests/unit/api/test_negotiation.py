"""Which encodings a client takes."""

from __future__ import annotations

import pytest

from runner.api.negotiation import content_encoding


@pytest.mark.parametrize(
    ("headers", "gzip"),
    [
        ([], False),
        (["gzip"], True),
        (["GZip"], True),
        (["deflate"], False),
        (["deflate, gzip;q=0.5"], True),
        (["identity"], False),
        (["identity", "gzip"], True),
        (["gzip;q=0"], False),
        (["gzip; q=0.0, identity"], False),
        (["*"], True),
        (["*;q=0"], False),
        (["x-gzip"], False),
        (["br, zstd"], False),
        ([""], False),
    ],
)
def test_gzip_is_used_by_who_asks_for_it(headers: list[str], gzip: bool) -> None:
    assert (content_encoding(headers) is not None) is gzip
