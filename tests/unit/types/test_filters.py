"""The questions asked of filters: what was not given, or is empty, lets everything pass."""

from __future__ import annotations

import pytest

from runner.types import filters
from runner.types.errors import InvalidParameter


@pytest.mark.parametrize(
    ("values", "text", "exact", "fuzzy", "pattern"),
    [
        (None, "web", True, True, True),
        ([], "web", True, True, True),
        (["web"], "web", True, True, True),
        (["we"], "web", False, True, True),
        (["eb"], "web", False, False, True),
        (["^eb"], "web", False, False, False),
        (["x", "b$"], "web", False, False, True),
        (["we["], "we[b", False, True, False),
        (["a{9999999999}"], "web", False, False, False),
    ],
)
def test_texts(
    values: list[str] | None, text: str, exact: bool, fuzzy: bool, pattern: bool
) -> None:
    given = {} if values is None else {"name": values}
    assert filters.exact(given, "name", text) is exact
    assert filters.fuzzy(given, "name", text) is fuzzy
    assert filters.pattern(given, "name", text) is pattern


LABELS = {"a": "1", "b": ""}


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ([], True),
        (["a"], True),
        (["a=1", "b="], True),
        (["a=2"], False),
        (["a", "c"], False),
        (["a!=2"], False),
    ],
)
def test_labels(values: list[str], passes: bool) -> None:
    assert filters.labels({"label": values}, "label", LABELS) is passes


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        ({}, True),
        ({"label": ["a"]}, True),
        ({"label": ["c"]}, False),
        ({"label!": ["a"]}, False),
        ({"label!": ["c"]}, True),
        ({"label!": ["a", "c"]}, True),
        ({"label": ["a"], "label!": ["b"]}, False),
    ],
)
def test_what_is_pruned_by_its_labels(given: dict[str, list[str]], passes: bool) -> None:
    assert filters.prune_labels(given, LABELS) is passes


def test_an_unknown_filter_is_an_error() -> None:
    filters.validate({"a": []}, {"a"})
    with pytest.raises(InvalidParameter, match="invalid filter 'b'"):
        filters.validate({"a": [], "b": []}, {"a"})


@pytest.mark.parametrize(
    ("values", "answer"), [(None, None), (["1"], True), (["false", "0"], False)]
)
def test_booleans(values: list[str] | None, answer: bool | None) -> None:
    assert filters.boolean({} if values is None else {"x": values}, "x") is answer


@pytest.mark.parametrize(
    ("values", "told"), [([], "x"), (["yes"], "x=[yes]"), (["1", "0"], "x=[1 0]")]
)
def test_what_is_no_boolean(values: list[str], told: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        filters.boolean({"x": values}, "x")
    assert str(error.value) == f"invalid filter '{told}'"
