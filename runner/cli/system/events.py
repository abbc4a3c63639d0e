"""`events` (docker/cli runEvents)."""

from __future__ import annotations

import sys

from runner.cli.errors import CliError
from runner.cli.values import times
from runner.client import filters, jsontext, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from runner.cli.context import Context
    from runner.cli.declarations.system import EventsOptions
    from runner.client.client import Query

    Event = dict[str, Any]
    Show = Callable[[Event], str]

_SECOND = 1_000_000_000


def run(context: Context, options: EventsOptions) -> int:
    """Print what happens, or has happened, until told to stop."""
    show = _templated(options.format) if options.format else _line
    response = system.events(context.client(), _query(options))
    for event in jsontext.documents(response.chunks()):
        sys.stdout.write(f"{show(event)}\n")
        sys.stdout.flush()
    return 0


def _query(options: EventsOptions) -> Query:
    query: Query = {}
    for name in ("since", "until"):
        if given := getattr(options, name):
            query[name] = _timestamp(given)
    if wanted := filters.to_json(options.filter or []):
        query["filters"] = wanted
    return query


def _timestamp(text: str) -> str:
    from runner.cli.values.dates import timestamp

    try:
        return timestamp(text)
    except ValueError as err:
        raise CliError(str(err)) from None


def _line(event: Event) -> str:
    """Time, type, action, ID and all attributes in their order."""
    moment = event.get("timeNano") or event.get("time", 0) * _SECOND
    actor = event.get("Actor") or {}
    words = [times.rfc3339(moment)] if moment else []
    words += [event.get("Type", ""), event.get("Action", ""), actor.get("ID", "")]
    attributes = actor.get("Attributes") or {}
    if attributes:
        words.append(f"({', '.join(f'{name}={attributes[name]}' for name in sorted(attributes))})")
    return " ".join(words)


def _templated(layout: str) -> Show:
    """The template, tried on an event of which nothing is known."""
    from runner.cli.format import documents

    prefix = "Error parsing format: "
    template = documents.parse(layout, prefix=prefix)
    fault = documents.render_typed(template, "*events.Message", {})[1]
    if fault:
        raise CliError(prefix + fault, documents.PARSE_ERROR)

    def show(event: Event) -> str:
        text, fault = documents.render_typed(template, "events.Message", event)
        if fault:
            sys.stdout.write(f"{text}\n")
            raise CliError(fault)
        return text

    return show
