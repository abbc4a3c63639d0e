"""`--format` of one document: its declared type, a template (docker/cli inspect)."""

from __future__ import annotations

from runner.cli.errors import CliError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from runner.cli.template import Template

PARSE_ERROR = 64
"""The exit code of a template that is malformed."""


def parse(source: str, *, name: str = "", prefix: str = "template parsing error: ") -> Template:
    """The template. Raises CliError 64, the prefix before Go's text."""
    from runner.cli.template import ParseError, Template

    try:
        return Template("{{json .}}" if source == "json" else source, name)
    except ParseError as err:
        raise CliError(f"{prefix}{err}", PARSE_ERROR) from err


def render(template: Template, type_name: str, document: Any, *, typed: bool = False) -> str:
    """The text for a document of a declared type.

    Where the type does not have what the template asks for, the document is taken as it came, a
    missing key being an error, as docker does for fields that are newer than it; unless it is
    `typed`, nothing but its type. Raises CliError.
    """
    from runner.cli.template import ExecutionError
    from runner.cli.template.reading import declared
    from runner.cli.template.types import undeclared

    try:
        return template.render(declared(type_name, document))
    except ExecutionError as err:
        if typed:
            raise CliError(f"template parsing error: {err}") from err
    try:
        return template.render(undeclared(document), strict=True)
    except ExecutionError as err:
        raise CliError(f"template parsing error: {err}") from err


def render_typed(template: Template, type_name: str, document: Any) -> tuple[str, str]:
    """The text for a document that is nothing but its type, and what ended it early."""
    from runner.cli.template import ExecutionError
    from runner.cli.template.reading import declared

    try:
        return template.render(declared(type_name, document)), ""
    except ExecutionError as err:
        return err.written, str(err)
