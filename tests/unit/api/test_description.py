"""The description says what is served: every route, every parameter, and nothing else."""

from __future__ import annotations

import inspect
import re
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from runner.api.app import ROUTES
from runner.api.description.document import document
from runner.api.description.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASKED = re.compile(r'form\.(?:text|flag|integer|all)\("([\w-]+)"|"([\w-]+)" not in call\.form')
_HEADER = re.compile(r'request\.headers\.get\("(X-[\w-]+)"')


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(ROUTES)


def test_every_route_is_described_and_nothing_else(described: dict[str, Any]) -> None:
    assert set(OPERATIONS) == {(route.method, route.path) for route in ROUTES}
    told = {(method.upper(), path) for path, row in described["paths"].items() for method in row}
    assert told == {(route.method, route.template) for route in ROUTES}
    assert len(told) == len(ROUTES)


def test_a_route_that_nothing_is_said_of_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OPERATIONS, ("GET", "/version"))
    with pytest.raises(KeyError, match="/version"):
        document(ROUTES)


def test_parameters_are_those_that_the_handlers_ask_for() -> None:
    told: dict[str, set[str]] = defaultdict(set)
    for route in ROUTES:
        operation = OPERATIONS[route.method, route.path]
        told[route.handler.__module__] |= {each.name for each in operation.parameters}
    for module, names in told.items():
        assert names == set(_asked_for(inspect.getsource(sys.modules[module]))), module


def _asked_for(source: str) -> Iterator[str]:
    for found in _ASKED.finditer(source):
        yield found[1] or found[2]
    yield from _HEADER.findall(source)
    if "form.filters()" in source:
        yield "filters"
    if "terminal_size(" in source:
        yield from "hw"


def test_variables_of_paths_are_parameters(described: dict[str, Any]) -> None:
    for path, row in described["paths"].items():
        for operation in row.values():
            given = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
            assert given == set(re.findall(r"\{(\w+)\}", path))


def test_references_lead_somewhere(described: dict[str, Any]) -> None:
    references = set(_references(described))
    schemas = described["components"]["schemas"]
    assert {"#/components/schemas/CreateRequest", "#/components/schemas/Failure"} <= references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} == set(
        schemas
    )


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_commands_may_be_one_text(described: dict[str, Any]) -> None:
    properties = described["components"]["schemas"]["CreateRequest"]["properties"]
    assert {"type": "string"} in properties["Cmd"]["anyOf"]
    assert {"type": "string"} not in properties["Env"]["anyOf"]


def test_everything_has_a_summary(described: dict[str, Any]) -> None:
    for row in described["paths"].values():
        assert all(operation["summary"] for operation in row.values())
