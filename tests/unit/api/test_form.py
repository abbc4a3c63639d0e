"""Query values as Go reads them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.api.form import Form, parse_query
from runner.types.errors import InvalidParameter, RunnerError


def form(query: str) -> Form:
    return Form(parse_query(query))


def test_values() -> None:
    parsed = form("a=1&a=2&b=x+y%20z&c&=d&&e=%C3%A9")
    assert parsed.text("a") == "1"
    assert parsed.all("a") == ["1", "2"]
    assert parsed.text("b") == "x y z"
    assert "c" in parsed
    assert parsed.text("e") == "é"
    assert parsed.text("none") == ""


@pytest.mark.parametrize("value", ["", "0", "no", "false", "none", "FALSE", " No "])
def test_false(value: str) -> None:
    assert Form({"x": [value]}).flag("x", default=True) is False


@pytest.mark.parametrize("value", ["1", "true", "yes", "x", "00"])
def test_true(value: str) -> None:
    assert Form({"x": [value]}).flag("x") is True


def test_a_missing_flag_is_its_default() -> None:
    assert form("").flag("x") is False
    assert form("").flag("x", default=True) is True


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("-1", -1), ("+3", 3), ("", None), ("007", 7)]
)
def test_integer(text: str, value: int | None) -> None:
    assert Form({"t": [text]}).integer("t") == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a", 'strconv.Atoi: parsing "a": invalid syntax'),
        ("1_0", 'strconv.Atoi: parsing "1_0": invalid syntax'),
        (
            "99999999999999999999",
            'strconv.Atoi: parsing "99999999999999999999": value out of range',
        ),
        ("9" * 5000, f'strconv.Atoi: parsing "{"9" * 5000}": value out of range'),
    ],
)
def test_bad_integer(text: str, error: str) -> None:
    with pytest.raises(RunnerError) as caught:
        Form({"t": [text]}).integer("t")
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "invalid syntax"),
        ("+1", "invalid syntax"),
        ("a", "invalid syntax"),
        ("-", "invalid syntax"),
        ("-1", "value out of range"),
        ("4294967296", "value out of range"),
    ],
)
def test_bad_uint32(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Form({"h": [text]}).uint32("h")


def test_uint32() -> None:
    assert Form({"h": ["4294967295"]}).uint32("h") == 4294967295


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("{}", {}),
        ('{"a":{"y":true,"x":false}}', {"a": ["x", "y"]}),
        ('{"a":["y","x","y"]}', {"a": ["y", "x"]}),
    ],
)
def test_filters_in_both_forms(text: str, value: dict[str, list[str]]) -> None:
    assert Form({"filters": [text]}).filters() == value


@pytest.mark.parametrize(
    "text", ["xx", "[]", "1", '{"a":1}', '{"a":[1]}', '{"a":{"b":1}}', "[" * 9999]
)
def test_bad_filters(text: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^invalid filter$"):
        Form({"filters": [text]}).filters()


@given(st.text())
def test_any_query_is_parsed_or_refused(query: str) -> None:
    with contextlib.suppress(InvalidParameter):
        parse_query(query)


@given(st.text())
def test_any_filters_are_parsed_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidParameter):
        Form({"filters": [text]}).filters()
