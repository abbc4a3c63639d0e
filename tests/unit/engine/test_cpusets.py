"""Lists of CPUs."""

import pytest

from runner.engine.cpusets import is_available, parse_uint_list
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", []),
        ("7", [7]),
        ("1-6", [1, 2, 3, 4, 5, 6]),
        ("0,3-4,7,8-10", [0, 3, 4, 7, 8, 9, 10]),
        ("0-0,0,1-2", [0, 1, 2]),
        ("03,1-3", [1, 2, 3]),
        ("3,2,1", [1, 2, 3]),
        ("+1", [1]),
    ],
)
def test_lists(text: str, numbers: list[int]) -> None:
    assert sorted(parse_uint_list(text)) == numbers


@pytest.mark.parametrize("text", ["this", "1--", "1-3-", ",1", "1,", "-1", "1-0", "1 2", "١", "_1"])
def test_no_lists(text: str) -> None:
    with pytest.raises(InvalidParameter, match=f"^invalid format: {text}$"):
        parse_uint_list(text)


def test_a_list_that_would_fill_the_memory() -> None:
    with pytest.raises(InvalidParameter, match="value of out range, maximum is 8192"):
        is_available("1-9223372036854775807", frozenset({0}))
    with pytest.raises(InvalidParameter, match="invalid format"):
        is_available("1" * 5000, frozenset({0}))


def test_availability() -> None:
    available = frozenset({0, 1, 9000})
    assert is_available("0-1", available)
    assert is_available("", available)
    assert is_available("9000", available)
    assert not is_available("0-2", available)
    assert not is_available("0", frozenset())
