"""Sizes as go-units parses them."""

from __future__ import annotations

import pytest

from runner.types.units import from_human_size, ram_in_bytes


@pytest.mark.parametrize(
    ("text", "decimal", "binary"),
    [
        ("32", 32, 32),
        ("32b", 32, 32),
        ("32kb", 32_000, 32_768),
        ("32KiB", 32_000, 32_768),
        ("1.5 GB", 1_500_000_000, 1_610_612_736),
        ("1e3", 1000, 1000),
        (".5m", 500_000, 524_288),
        ("32.", 32, 32),
    ],
)
def test_sizes(text: str, decimal: int, binary: int) -> None:
    assert from_human_size(text) == decimal
    assert ram_in_bytes(text) == binary


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "invalid size: ''"),
        ("hello", "invalid size: 'hello'"),
        ("-32", "invalid size: '-32'"),
        ("32bm", "invalid suffix: 'bm'"),
        ("32kbb", "invalid suffix: 'kbb'"),
        ("32 mbyte", "invalid suffix: 'mbyte'"),
        (" 32", 'strconv.ParseFloat: parsing " 32": invalid syntax'),
        ("3 2", 'strconv.ParseFloat: parsing "3 2": invalid syntax'),
    ],
)
def test_refused(text: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:
        ram_in_bytes(text)
    assert str(caught.value) == error
