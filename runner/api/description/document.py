"""The OpenAPI document, from the table of routes, the types and what is said by hand.

Types are JSON Schema as msgspec tells it of our structs, with what `runner.types.wire` adds: a
text in place of a list of one, and nulls, which leave a field as it is.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

import msgspec

from runner import __version__
from runner.api.description.operations import OPERATIONS
from runner.api.version import API_VERSION, MIN_API_VERSION
from runner.types.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.api.description.operation import Content, Operation, Parameter
    from runner.api.routing import Route

Json = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"
_FAILURE: Final = "Failure"
_ALWAYS: Final = (400, 500)
"""What any route may answer: a version or a query that cannot be; something that failed."""
_OPAQUE: Final = {"type": "string", "format": "binary"}
_ABOUT: Final = f"""\
The Docker Engine API as this engine serves it. Any path but those below `/runner` may have a
version in front, `/v{MIN_API_VERSION}` to `/v{API_VERSION}`; without, it is the newest. Names in
paths may contain slashes. Names of members are told apart without regard to case, `null` leaves a
member as it is, and members that are unknown are ignored."""


def document(routes: Iterable[Route]) -> Json:
    """Describe the routes. Raises KeyError for one that nothing is said of."""
    types = _Types(OPERATIONS.values())
    paths: dict[str, Json] = {}
    for route in routes:
        described = _describe(route, OPERATIONS[route.method, route.path], types)
        paths.setdefault(route.template, {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": "runner", "version": __version__, "description": _ABOUT},
        "paths": paths,
        "components": {"schemas": types.components},
    }


class _Types:
    """The schemas of all types that any operation names."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._types = [
            content.type
            for operation in operations
            for content in (operation.body, *operation.answers.values())
            if content is not None and content.type is not None
        ]
        schemas, components = msgspec.json.schema_components(self._types, ref_template=_REFERENCE)
        self._schemas = list(schemas)
        self.components: Json = {**components, _FAILURE: _failure()}
        for struct in _structs(Wire):
            _allow_texts(struct, self.components.get(struct.__name__, {}))

    def schema(self, content: Content) -> Json:
        """That of a body."""
        if content.type is None:
            return _OPAQUE
        return self._schemas[self._types.index(content.type)]


def _structs(base: type[Wire]) -> Iterator[type[Wire]]:
    for struct in base.__subclasses__():
        yield struct
        yield from _structs(struct)


def _allow_texts(struct: type[Wire], schema: Json) -> None:
    names = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    for attribute in struct.string_or_list:
        schema["properties"][names[attribute]]["anyOf"].append({"type": "string"})


def _failure() -> Json:
    return {
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }


def _describe(route: Route, operation: Operation, types: _Types) -> Json:
    handler = route.handler
    group = handler.__module__.rpartition(".")[2]
    described: Json = {
        "operationId": f"{route.method.lower()} {route.template}",
        "tags": [group],
        "summary": (inspect.getdoc(handler) or "").partition("\n")[0],
        "parameters": [
            *({"name": name, "in": "path", **_REQUIRED_TEXT} for name in route.variables),
            *map(_parameter, operation.parameters),
        ],
        "responses": _responses(operation, types),
    }
    if operation.body is not None:
        body = operation.body
        described["requestBody"] = {"required": body.required, **_content(body, types)}
    return described


_REQUIRED_TEXT: Final[Json] = {"required": True, "schema": {"type": "string", "minLength": 1}}


def _parameter(parameter: Parameter) -> Json:
    told: Json = {"name": parameter.name, "in": "header" if parameter.header else "query"}
    if parameter.meaning:
        told["description"] = parameter.meaning
    if parameter.required:
        told["required"] = True
    if parameter.json:
        return {**told, "content": {"application/json": {"schema": parameter.schema}}}
    return {**told, "schema": parameter.schema}


def _responses(operation: Operation, types: _Types) -> Json:
    answers: Mapping[int, Content | None] = operation.answers
    told = {
        str(status): _content(content, types) if content else {"description": _NOTHING}
        for status, content in answers.items()
    }
    failure = {"application/json": {"schema": {"$ref": _REFERENCE.format(name=_FAILURE)}}}
    for status in sorted({*_ALWAYS, *operation.failures}):
        told[str(status)] = {"description": "A message.", "content": failure}
    return told


_NOTHING: Final = "Nothing in the body."


def _content(content: Content, types: _Types) -> Json:
    schema = types.schema(content)
    return {
        "description": content.meaning,
        "content": {media: {"schema": schema} for media in content.media_types},
    }
